import { writeDirectory } from '../../services/shared/directory/directory-table.ts';
import { ClickHouseStore } from '../../services/shared/usage-store/clickhouse-store.ts';
import { HOUR_MILLIS, type Hour } from '../../services/shared/model/time.ts';
import type { RowKey } from '../../services/usage-api/continuation-token.ts';
import type { PageText } from '../../services/usage-api/page-text.ts';
import { PAGE_ROWS, type UsagePage } from '../../services/usage-api/usage-page.ts';
import type { VisibleQuery } from '../../services/usage-api/usage-query.ts';
import type { UsageAggregateResource } from '../../services/usage-api/usage-row.ts';
import { UsageStore } from '../../services/usage-api/usage-store.ts';
import { instanceOf } from '../support/instance-of.ts';
import { openTestStack, type TestStack } from '../support/test-stack.ts';
import {
  closeThrough,
  declareSource,
  get,
  hour,
  hourly,
  insertWindows,
  PATH,
  PROVIDER,
  startApi,
  VERSION,
  type Answer,
  type ErrorAnswer,
  type RunningApi,
  type TestWindow,
} from './usage-api-fixture.ts';
import { timeOf } from '../../services/shared/model/time-text.ts';

/**
 * Two live sources with two partitions each, from 2025-12-01T00. All of them have closed the first
 * six hours, but one partition of `storage` is a further hour behind the others.
 */
const COMPUTE = 'usage.events.compute';
const STORAGE = 'usage.events.storage';
const NOW = timeOf('2025-12-01T12:30:00Z');
const SUBSCRIPTION = '5d3b9a0e-1111-4222-8333-944455556666';
const OTHER_SUBSCRIPTION = '6d3b9a0e-1111-4222-8333-944455556666';

let nextOffset = 100;

const live = (reportedHour: Hour, changes: Partial<TestWindow> = {}): TestWindow => {
  const offset = nextOffset++;
  return {
    topic: COMPUTE,
    epoch: 1,
    partition: 0,
    reportedHour,
    usageHour: (reportedHour - HOUR_MILLIS) as Hour,
    subscriptionId: SUBSCRIPTION,
    meterId: 'METER-1',
    resourceUri: `/subscriptions/${SUBSCRIPTION}/resourceGroups/rg/providers/Microsoft.Compute/virtualMachines/vm1`,
    location: 'local',
    tags: null,
    additionalInfo: null,
    quantity: '1',
    firstOffset: offset,
    lastOffset: offset,
    ...changes,
  };
};

let stack: TestStack;
let api: RunningApi;

beforeAll(async () => {
  stack = await openTestStack();
  const { clickHouse, logger } = stack;
  for (const topic of [COMPUTE, STORAGE]) {
    await declareSource(clickHouse, {
      topic,
      kind: 'live',
      partitions: 2,
      firstHour: hour('2025-12-01T00'),
      lastHour: null,
      state: 'open',
    });
    for (const partition of [0, 1]) {
      const isBehind = topic === STORAGE && partition === 1;
      const through = hour(isBehind ? '2025-12-01T06' : '2025-12-01T07');
      await closeThrough(clickHouse, { topic, epoch: 1, partition }, through);
    }
  }
  api = await startApi(clickHouse, { logger, now: NOW });
});

afterAll(async () => {
  await api.close();
  await stack.close();
});

const rowsOf = async (from: string, to: string): Promise<readonly UsageAggregateResource[]> => {
  const { status, body } = await get(api.url + hourly(from, to));
  expect(status).toBe(200);
  return body.value;
};

const refusal = (path: string): Promise<Answer<ErrorAnswer>> => get<ErrorAnswer>(api.url + path);

const allPages = async (path: string): Promise<readonly UsagePage[]> => {
  const pages: UsagePage[] = [];
  for (let next: string | undefined = api.url + path; next !== undefined;) {
    const page: Answer<UsagePage> = await get(next);
    expect(page.status).toBe(200);
    pages.push(page.body);
    next = page.body.nextLink;
  }
  return pages;
};

const resourceOf = (row: UsageAggregateResource): string => instanceOf(row).resourceUri;

describe('paging', () => {
  const ROWS = 2 * PAGE_ROWS + 500;
  const REPORTED = hour('2025-12-01T00');
  /** Letters that URLs, SQL and JSON each treat in their own way. */
  const ODD = [`'`, '\\', '"', '\t', '\n', '\r', '%2F', '+ &', '\u0000', 'ü', '\u{1F600}', '{x:y}'];

  const uri = (index: number): string =>
    `/subscriptions/${SUBSCRIPTION}/providers/Microsoft.Compute/x/VM${ODD[index % ODD.length] ?? ''}${String(index)}`;

  beforeAll(() =>
    insertWindows(
      stack.clickHouse,
      Array.from({ length: ROWS }, (_, index) =>
        live(REPORTED, {
          topic: index % 3 === 0 ? STORAGE : COMPUTE,
          partition: index % 2,
          usageHour: (REPORTED - (index % 5) * HOUR_MILLIS) as Hour,
          subscriptionId: index % 7 === 0 ? OTHER_SUBSCRIPTION : SUBSCRIPTION,
          meterId: `METER-${String(index % 2)}`,
          resourceUri: uri(index),
          quantity: String(index),
        }),
      ),
    ),
  );

  test('more rows than two pages hold come in three, each row once, in a stable order', async () => {
    const path = hourly('2025-12-01T00', '2025-12-01T01');
    const pages = await allPages(path);
    expect(pages.map(({ value }) => value.length)).toEqual([
      PAGE_ROWS,
      PAGE_ROWS,
      ROWS - 2 * PAGE_ROWS,
    ]);
    const rows = pages.flatMap(({ value }) => value);
    const found = rows.map((row) => [resourceOf(row), row.properties.quantity] as const);
    expect(new Map(found)).toEqual(
      new Map(Array.from({ length: ROWS }, (_, index) => [uri(index), index] as const)),
    );
    expect((await allPages(path)).flatMap(({ value }) => value)).toEqual(rows);
    const times = rows.map(({ properties }) => properties.usageStartTime);
    expect(times).toEqual(times.toSorted());
  });

  test('a page that ends at a resource with odd letters goes on behind it', async () => {
    const from = hour('2025-11-28T00');
    const source = { topic: 'usage.history.odd', epoch: 1 };
    const resources = ODD.map((letter) => `/subscriptions/x/vm${letter}`);
    await insertWindows(
      stack.clickHouse,
      resources.map((resourceUri) => live(from, { ...source, resourceUri })),
    );
    const store = new UsageStore(stack.clickHouse, 30);
    const query: VisibleQuery = {
      granularity: 'Hourly',
      from,
      to: (from + HOUR_MILLIS) as Hour,
      subscriberId: null,
      continuationToken: null,
      visible: { allBut: [] },
    };
    const seen: string[] = [];
    const next = (after: RowKey | null): Promise<PageText | null> =>
      store.page(query, [source], after, 1, {
        digest: 'digest',
        caller: 'caller',
        isUnchanged: () => Promise.resolve(true),
      });
    let page = await next(null);
    while (page !== null && seen.length < ODD.length) {
      const [row] = JSON.parse(page.list.toString()) as readonly UsageAggregateResource[];
      if (row !== undefined) seen.push(instanceOf(row).resourceUri);
      if (page.end === null) break;
      page = await next(page.end);
    }
    expect(page?.end).toBeNull();
    expect(seen.toSorted()).toEqual(resources.toSorted());
  });

  test("one subscription's rows are paged by themselves", async () => {
    const pages = await allPages(
      hourly('2025-12-01T00', '2025-12-01T01', { subscriberId: SUBSCRIPTION.toUpperCase() }),
    );
    const rows = pages.flatMap(({ value }) => value);
    expect(pages).toHaveLength(3);
    expect(rows).toHaveLength(ROWS - Math.ceil(ROWS / 7));
    expect(new Set(rows.map(({ properties }) => properties.subscriptionId))).toEqual(
      new Set([SUBSCRIPTION]),
    );
  });

  test('the next link has the host that the caller used', async () => {
    const { body } = await get(
      `${api.url.replace('127.0.0.1', 'localhost')}${hourly('2025-12-01T00', '2025-12-01T01')}`,
    );
    expect(new URL(body.nextLink ?? '').hostname).toBe('localhost');
  });

  test('a token is refused with another query, and where it is none', async () => {
    const { body } = await get(api.url + hourly('2025-12-01T00', '2025-12-01T01'));
    const continuationToken =
      new URL(body.nextLink ?? '').searchParams.get('continuationToken') ?? '';
    for (const path of [
      hourly('2025-12-01T00', '2025-12-01T02', { continuationToken }),
      hourly('2025-12-01T00', '2025-12-01T01', { continuationToken, subscriberId: SUBSCRIPTION }),
      hourly('2025-12-01T00', '2025-12-01T01', { continuationToken: 'next' }),
    ]) {
      const { status, body: answer } = await refusal(path);
      expect([status, answer.error.code]).toEqual([400, 'InvalidProperty']);
      expect(answer.error.message).toContain("'continuationToken'");
    }
  });
});

describe('windows', () => {
  test('late usage comes with the hour in which it was reported, under its old usage hour', async () => {
    const late = { quantity: '0.2', usageHour: hour('2025-12-01T01') };
    await insertWindows(stack.clickHouse, [
      live(hour('2025-12-01T02'), { quantity: '0.1', usageHour: hour('2025-12-01T01') }),
      live(hour('2025-12-01T03'), late),
    ]);
    const quantities = async (from: string, to: string): Promise<unknown> =>
      (await rowsOf(from, to)).map(({ properties }) => [
        properties.usageStartTime,
        properties.quantity,
      ]);
    const usage = '2025-12-01T01:00:00+00:00';
    expect(await quantities('2025-12-01T02', '2025-12-01T03')).toEqual([[usage, 0.1]]);
    expect(await quantities('2025-12-01T03', '2025-12-01T04')).toEqual([[usage, 0.2]]);
    // As doubles the two would add up to 0.30000000000000004.
    expect(await quantities('2025-12-01T02', '2025-12-01T04')).toEqual([[usage, 0.3]]);
  });

  test('rows of one resource in several spellings and partitions are one, with its earliest attributes', async () => {
    const at = hour('2025-12-01T04');
    const next = hour('2025-12-01T05');
    const resourceUri = `/subscriptions/${SUBSCRIPTION}/providers/Microsoft.Compute/x/Spelled`;
    const spelled = { resourceUri, usageHour: hour('2025-12-01T03') };
    await insertWindows(stack.clickHouse, [
      live(next, { ...spelled, tags: 'later', location: 'later' }),
      live(at, {
        ...spelled,
        topic: STORAGE,
        resourceUri: resourceUri.toUpperCase(),
        firstOffset: 1,
        tags: 'another topic',
      }),
      live(at, { ...spelled, partition: 1, firstOffset: 2, tags: 'another partition' }),
      live(at, { ...spelled, meterId: 'meter-1', location: 'first', additionalInfo: '{"a":1}' }),
    ]);
    const [row, ...others] = await rowsOf('2025-12-01T04', '2025-12-01T06');
    expect(others).toEqual([]);
    expect(row?.properties).toEqual({
      subscriptionId: SUBSCRIPTION,
      usageStartTime: '2025-12-01T03:00:00+00:00',
      usageEndTime: '2025-12-01T04:00:00+00:00',
      instanceData: JSON.stringify({
        'Microsoft.Resources': {
          resourceUri,
          location: 'first',
          tags: null,
          additionalInfo: '{"a":1}',
        },
      }),
      quantity: 4,
      meterId: 'meter-1',
      name: `${SUBSCRIPTION}-meter-1`,
    });
  });

  test('a window that was written again counts with its last row', async () => {
    const at = hour('2025-12-01T01');
    const window = live(at, { quantity: '1', firstOffset: 10, lastOffset: 10 });
    await insertWindows(stack.clickHouse, [{ ...window, quantity: '5', lastOffset: 12 }]);
    await insertWindows(stack.clickHouse, [window]);
    const [row] = await rowsOf('2025-12-01T01', '2025-12-01T02');
    expect(row?.properties.quantity).toBe(5);
  });
});

test('by day, the hours of a reported day are added up by the day of their usage, over partitions', async () => {
  const { clickHouse } = stack;
  const topic = 'usage.history.days';
  const [firstHour, lastHour] = [hour('2025-11-10T00'), hour('2025-11-11T23')];
  const run = { topic, kind: 'history', partitions: 2, firstHour, lastHour } as const;
  const source = await declareSource(clickHouse, { ...run, state: 'sealed' });
  const reported = [
    ['2025-11-10T01', '2025-11-09T23', 0, '0.1'],
    ['2025-11-10T02', '2025-11-10T01', 0, '0.1'],
    ['2025-11-10T03', '2025-11-10T02', 0, '0.2'],
    ['2025-11-10T04', '2025-11-10T02', 1, '0.4'],
    ['2025-11-10T23', '2025-11-10T02', 0, '1000000000000000'],
    ['2025-11-11T00', '2025-11-10T23', 0, '3'],
  ] as const;
  for (const [reportedHour, usageHour, partition, quantity] of reported) {
    const at = hour(reportedHour);
    const window = { topic, partition, usageHour: hour(usageHour), quantity };
    await insertWindows(clickHouse, [live(at, window)]);
    const store = new ClickHouseStore(clickHouse);
    await store.rollUpDays({ topic, epoch: 1, partition, source }, at, at);
  }
  for (const partition of [0, 1]) {
    await closeThrough(clickHouse, { topic, epoch: 1, partition }, hour('2025-11-12T00'));
  }
  const days = async (from: string, to: string): Promise<unknown> => {
    const search = `reportedStartTime=${from}T00:00:00Z&reportedEndTime=${to}T00:00:00Z`;
    const { body } = await get(`${api.url}${PATH}?${search}&api-version=${VERSION}`);
    return body.value.map(({ properties }) => [
      properties.usageStartTime,
      properties.usageEndTime,
      properties.quantity,
    ]);
  };
  const [ninth, tenth, eleventh] = [9, 10, 11].map(
    (day) => `2025-11-${String(day).padStart(2, '0')}T00:00:00+00:00`,
  );
  expect(await days('2025-11-10', '2025-11-11')).toEqual([
    [ninth, tenth, 0.1],
    [tenth, eleventh, 1000000000000000.7],
  ]);
  expect(await days('2025-11-11', '2025-11-12')).toEqual([[tenth, eleventh, 3]]);
  expect(await days('2025-11-10', '2025-11-12')).toEqual([
    [ninth, tenth, 0.1],
    [tenth, eleventh, 1000000000000003.7],
  ]);
});

describe('coverage', () => {
  test('an hour that one partition has not closed is still processing, whatever is stored of it', async () => {
    await insertWindows(stack.clickHouse, [live(hour('2025-12-01T06'))]);
    for (const [from, to] of [
      ['2025-12-01T06', '2025-12-01T07'],
      ['2025-12-01T00', '2025-12-01T12'],
    ] as const) {
      const { status, headers, body } = await refusal(hourly(from, to));
      expect(status).toBe(202);
      expect(headers.get('retry-after')).toMatch(/^\d+$/);
      expect(body.error.code).toBe('ProcessingNotComplete');
      expect(body.error.message).toContain('2025-12-01T06:00:00Z');
    }
  });

  test('the current day is in the future until it is over, the one before it may be processing', async () => {
    const day = (date: string, end: string): string =>
      `${PATH}?reportedStartTime=${date}&reportedEndTime=${end}&api-version=${VERSION}`;
    const today = await refusal(day('2025-12-01T00:00:00Z', '2025-12-02T00:00:00Z'));
    expect([today.status, today.body.error.code]).toEqual([400, 'RequestEndTimeIsInFuture']);
    const tomorrow = await startApi(stack.clickHouse, {
      logger: stack.logger,
      now: NOW + 24 * HOUR_MILLIS,
    });
    const { status } = await get(
      tomorrow.url + day('2025-12-01T00:00:00Z', '2025-12-02T00:00:00Z'),
    );
    await tomorrow.close();
    expect(status).toBe(202);
  });

  test('a history run counts from when it is sealed; given up, it never was', async () => {
    const { clickHouse } = stack;
    const at = hour('2025-11-20T10');
    const run = {
      topic: 'usage.history.run1',
      kind: 'history',
      firstHour: at,
      lastHour: hour('2025-11-20T11'),
    } as const;
    const place = { topic: run.topic, epoch: 1, partition: 0 };
    const ask = (): Promise<Answer<UsagePage>> =>
      get(api.url + hourly('2025-11-20T10', '2025-11-20T12'));
    await insertWindows(clickHouse, [live(at, place)]);
    expect((await ask()).body).toEqual({ value: [] });

    for (const state of ['declared', 'open', 'written'] as const) {
      await declareSource(clickHouse, { ...run, state, revision: nextOffset++ });
      expect((await ask()).status).toBe(202);
    }
    await declareSource(clickHouse, { ...run, state: 'sealed', revision: nextOffset++ });
    expect((await ask()).status).toBe(202);
    await closeThrough(clickHouse, place, hour('2025-11-20T12'), { sealed: true });
    expect((await ask()).body.value).toHaveLength(1);

    await declareSource(clickHouse, { ...run, state: 'abandoned', revision: nextOffset++ });
    const { status, body } = await ask();
    expect([status, body]).toEqual([200, { value: [] }]);
  });

  test('no usage in hours that are covered is told from hours that nobody knows of', async () => {
    const told = async (from: string, to: string): Promise<unknown> => {
      const { status, headers, body } = await get(api.url + hourly(from, to));
      return [
        status,
        body.value.length,
        headers.get('x-usage-coverage'),
        headers.get('x-usage-not-covered'),
      ];
    };
    expect(await told('2025-12-01T05', '2025-12-01T06')).toEqual([200, 1, 'complete', null]);
    const nobody = { subscriberId: '7d3b9a0e-1111-4222-8333-944455556666' };
    await writeDirectory(stack.clickHouse, [
      {
        id: nobody.subscriberId,
        provider: PROVIDER,
        state: 'active',
        displayName: '',
        offer: '',
        customer: '',
        revision: 0,
      },
    ]);
    const none = await get(api.url + hourly('2025-12-01T05', '2025-12-01T06', nobody));
    expect([none.body.value, none.headers.get('x-usage-coverage')]).toEqual([[], 'complete']);
    expect(await told('2025-10-01T00', '2025-10-01T02')).toEqual([
      200,
      0,
      'not-covered',
      '2025-10-01T00:00:00Z/2025-10-01T02:00:00Z',
    ]);
    expect(await told('2025-11-30T22', '2025-12-01T01')).toEqual([
      200,
      PAGE_ROWS,
      'partly',
      '2025-11-30T22:00:00Z/2025-12-01T00:00:00Z',
    ]);
  });

  test('a run that is sealed between two pages ends the answer that they belong to', async () => {
    const { clickHouse } = stack;
    const at = hour('2025-11-25T10');
    const topics = ['usage.history.run2', 'usage.history.run3'] as const;
    const declare = async (topic: string, hours: Hour): Promise<void> => {
      const firstHour = (at + hours * HOUR_MILLIS) as Hour;
      const end = (firstHour + HOUR_MILLIS) as Hour;
      const source = { topic, kind: 'history', firstHour, lastHour: firstHour } as const;
      await declareSource(clickHouse, { ...source, state: 'sealed' });
      await closeThrough(clickHouse, { topic, epoch: 1, partition: 0 }, end, { sealed: true });
    };
    await insertWindows(
      clickHouse,
      Array.from({ length: PAGE_ROWS + 1 }, (_, index) =>
        live(at, { topic: topics[0], resourceUri: `/subscriptions/x/${String(index)}` }),
      ),
    );
    await declare(topics[0], 0 as Hour);
    const { body } = await get(api.url + hourly('2025-11-25T10', '2025-11-25T12'));
    const next = body.nextLink ?? '';
    expect((await get(next)).body.value).toHaveLength(1);
    await declare(topics[1], 1 as Hour);
    const { status, body: answer } = await get<ErrorAnswer>(next);
    expect([status, answer.error.code]).toEqual([400, 'InvalidProperty']);
  });
});

describe('errors', () => {
  const HOUR = hourly('2025-12-01T00', '2025-12-01T01');

  test.each([
    ['no version', HOUR.replace(`&api-version=${VERSION}`, ''), 400, 'NoApiVersion'],
    ['another version', HOUR.replace(VERSION, '1.0'), 400, 'InvalidProperty'],
    ['a time off the hour', HOUR.replace('00%3A00%3A00Z', '00%3A10%3A00Z'), 400, 'InvalidProperty'],
    [
      'an end in the future',
      hourly('2025-12-01T00', '2025-12-01T13'),
      400,
      'RequestEndTimeIsInFuture',
    ],
    ['a granularity', HOUR.replace('Hourly', 'Weekly'), 400, 'InvalidAggregationGranularity'],
    ['a subscriber', `${HOUR}&subscriberId=nobody`, 400, 'SubscriberIdIsNotDirectTenant'],
    ['no subscription', HOUR.replace(PROVIDER, ''), 400, 'SubscriptionIdMissingInRequest'],
    [
      'no subscriptions at all',
      HOUR.replace(`/subscriptions/${PROVIDER}`, ''),
      400,
      'SubscriptionIdMissingInRequest',
    ],
    ['no such id', HOUR.replace(PROVIDER, 'provider'), 400, 'InvalidSubscriptionId'],
    ['another subscription', HOUR.replace(PROVIDER, SUBSCRIPTION), 404, 'SubscriptionNotFound'],
    ['another path', '/subscriptions', 404, 'NotFound'],
    ['a path with a broken escape', '/subscriptions/%zz', 400, 'BadRequest'],
  ])("%s gets Azure's envelope", async (_, path, status, code) => {
    const answer = await refusal(path);
    expect(answer.status).toBe(status);
    expect(answer.body).toEqual({ error: { code, message: expect.any(String) as string } });
    expect(answer.headers.get('content-type')).toMatch(/^application\/json/);
    expect(answer.headers.get('x-ms-request-id')).toMatch(/^[\da-f-]{36}$/);
  });

  test('another method gets the envelope too', async () => {
    const { status, body } = await get<ErrorAnswer>(api.url + HOUR, { method: 'DELETE' });
    expect([status, body.error.code]).toEqual([404, 'NotFound']);
  });
});

describe('around the call', () => {
  test('paths are taken in any case', async () => {
    const path = hourly('2025-12-01T00', '2025-12-01T01').replace(PATH, PATH.toLowerCase());
    expect((await get(api.url + path)).status).toBe(200);
  });

  test("answers carry ARM's request ids, and the caller's correlation id", async () => {
    const { headers } = await get(api.url + hourly('2025-12-01T00', '2025-12-01T01'), {
      headers: { 'x-ms-correlation-request-id': 'a-1' },
    });
    const id = headers.get('x-ms-request-id') ?? '';
    expect(id).toMatch(/^[\da-f-]{36}$/);
    expect(headers.get('x-ms-correlation-request-id')).toBe('a-1');
    expect(headers.get('x-ms-routing-request-id')).toBe(`LOCAL:20251201T123000Z:${id}`);
  });

  test('the root says what this is, with a call that works', async () => {
    const { status, body } = await get<{ example: string }>(`${api.url}/`);
    expect(status).toBe(200);
    expect((await get(body.example)).status).toBe(200);
  });

  test('it lives and is ready', async () => {
    expect((await get(`${api.url}/health/live`)).status).toBe(200);
    expect((await get(`${api.url}/health/ready`)).status).toBe(200);
  });
});
