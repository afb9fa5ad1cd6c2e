import fc from 'fast-check';
import { HOUR_MILLIS, isoText, type Hour } from '../../services/shared/model/time.ts';
import type { UsagePage } from '../../services/usage-api/usage-page.ts';
import { openTestStack, type TestStack } from '../support/test-stack.ts';
import {
  closeThrough,
  declareSource,
  get,
  hour,
  hourly,
  insertWindows,
  PROVIDER,
  startApi,
  type ErrorAnswer,
  type RunningApi,
  type TestWindow,
} from './usage-api-fixture.ts';

/** One live source of two partitions, which closes an hour after the other while tests walk. */
const TOPIC = 'usage.events.compute';
const PARTITIONS = [0, 1] as const;
const FIRST = hour('2025-12-01T00');
const TENANT = '5d3b9a0e-1111-4222-8333-944455556666';

let stack: TestStack;
let api: RunningApi;

const at = (hours: number): Hour => (FIRST + hours * HOUR_MILLIS) as Hour;
const text = (hours: number): string => isoText(at(hours)).slice(0, 13);

/** The hours before this one are closed. */
let open = 0;
const close = async (through: number): Promise<void> => {
  open = through;
  for (const partition of PARTITIONS) {
    const place = { topic: TOPIC, epoch: 1, partition };
    await closeThrough(stack.clickHouse, place, at(through), { nextOffset: through + 1 });
  }
};

beforeAll(async () => {
  stack = await openTestStack();
  await declareSource(stack.clickHouse, {
    topic: TOPIC,
    kind: 'live',
    partitions: PARTITIONS.length,
    firstHour: FIRST,
    lastHour: null,
    state: 'open',
  });
  await close(0);
  api = await startApi(stack.clickHouse, { logger: stack.logger, now: at(1_000) });
});

afterAll(async () => {
  await api.close();
  await stack.close();
});

let offset = 0;

const windowOf = (reported: number, resource: number, subscriptionId = TENANT): TestWindow => {
  offset++;
  return {
    topic: TOPIC,
    epoch: 1,
    partition: resource % 2,
    reportedHour: at(reported),
    usageHour: at(reported - (resource % 3)),
    subscriptionId,
    meterId: `METER-${String(resource % 2)}`,
    resourceUri: `/subscriptions/${subscriptionId}/vm${String(resource)}`,
    location: 'local',
    tags: null,
    additionalInfo: null,
    quantity: '1',
    firstOffset: offset,
    lastOffset: offset,
  };
};

const fill = async (reported: number, rows: number): Promise<void> => {
  if (rows === 0) return;
  const windows = Array.from({ length: rows }, (_, resource) => windowOf(reported, resource));
  await insertWindows(stack.clickHouse, windows);
};

const textOf = async (url: string): Promise<string> => {
  const answer = await fetch(url);
  const body = await answer.text();
  expect([answer.status, body.slice(0, 200)]).toEqual([200, expect.any(String)]);
  return body;
};

/** The pages of an answer, as they are on the wire. */
const walk = async (
  path: string,
  between: () => Promise<unknown> = () => Promise.resolve(),
): Promise<readonly string[]> => {
  const pages: string[] = [];
  for (let next: string | undefined = api.url + path; next !== undefined;) {
    const page: string = await textOf(next);
    pages.push(page);
    await between();
    next = (JSON.parse(page) as UsagePage).nextLink;
  }
  return pages;
};

const resourcesOf = (pages: readonly string[]): readonly string[] =>
  pages
    .flatMap((page) => (JSON.parse(page) as UsagePage).value)
    .map(({ properties }) => properties.instanceData);

test('0, 1, 999, 1,000, 1,001 and 2,000 rows have no empty last page', async () => {
  const cases: readonly (readonly [number, readonly number[]])[] = [
    [0, [0]],
    [1, [1]],
    [999, [999]],
    [1_000, [1_000]],
    [1_001, [1_000, 1]],
    [2_000, [1_000, 1_000]],
  ];
  const begin = open;
  for (const [index, [rows]] of cases.entries()) await fill(begin + index, rows);
  await close(begin + cases.length);
  for (const [index, [rows, lengths]] of cases.entries()) {
    const pages = await walk(hourly(text(begin + index), text(begin + index + 1)));
    expect([rows, pages.map((page) => (JSON.parse(page) as UsagePage).value.length)]).toEqual([
      rows,
      lengths,
    ]);
    expect(new Set(resourcesOf(pages)).size).toBe(rows);
  }
});

describe('a client that does not follow nextLink as it is', () => {
  let path: string;
  let second: string;
  let link: URL;

  beforeAll(async () => {
    const begin = open;
    await fill(begin, 1_500);
    await close(begin + 1);
    path = hourly(text(begin), text(begin + 1));
    const [first = '', page = ''] = await walk(path);
    link = new URL((JSON.parse(first) as UsagePage).nextLink ?? '');
    second = page;
  });

  const token = (): string => link.searchParams.get('continuationToken') ?? '';

  test('may cut the token out and send it beside its own parameters', async () => {
    expect(await textOf(`${api.url}${path}&continuationToken=${token()}`)).toBe(second);
    const cut = link.href.slice(link.href.indexOf('continuationToken=') + 18);
    expect(await textOf(`${api.url}${path}&CONTINUATIONTOKEN=${cut}`)).toBe(second);
  });

  test('may send the parameters in another order and case, and in other forms', async () => {
    const [start, end] = ['reportedStartTime', 'reportedEndTime'].map(
      (name) => link.searchParams.get(name)?.replace('Z', '') ?? '',
    );
    const search = [
      `continuationtoken=${token()}`,
      'API-VERSION=2015-06-01-Preview',
      `reportedendtime=${end ?? ''}.0000000%2B00:00`,
      'AGGREGATIONGRANULARITY=hourly',
      `ReportedStartTime=${start ?? ''}+00:00`,
      'showDetails=true',
    ].join('&');
    expect(await textOf(`${link.origin}${link.pathname.toLowerCase()}?${search}`)).toBe(second);
  });

  test('may escape the link once more', async () => {
    const search = [...link.searchParams].map(
      ([name, value]) => `${name}=${encodeURIComponent(encodeURIComponent(value))}`,
    );
    expect(await textOf(`${link.origin}${link.pathname}?${search.join('&')}`)).toBe(second);
  });

  test.each([
    ['changed', (good: string) => `${good.slice(0, -3)}AAA`, 'or was changed'],
    ['cut short', (good: string) => good.slice(0, -1), 'or was changed'],
    ['no token at all', () => 'page2', 'is not a token of this service'],
  ])('is told that its token is %s', async (_, spoil, message) => {
    const answer = await get<ErrorAnswer>(`${api.url}${path}&continuationToken=${spoil(token())}`);
    expect([answer.status, answer.body.error.code]).toEqual([400, 'InvalidProperty']);
    expect(answer.body.error.message).toContain(message);
  });

  test('is told that its token is of another query or caller', async () => {
    const foreign = [
      path.replace('Hourly', 'Daily').replaceAll(/T\d\d/g, 'T00'),
      `${path}&subscriberId=${TENANT}`,
      path
        .replace(PROVIDER, TENANT)
        .replace(
          'Microsoft.Commerce.Admin/subscriberUsageAggregates',
          'Microsoft.Commerce/usageAggregates',
        ),
    ];
    // By day, the start would be the end.
    foreign[0] = foreign[0]?.replace('2025-12-01', '2025-11-30') ?? '';
    for (const other of foreign) {
      const answer = await get<ErrorAnswer>(`${api.url}${other}&continuationToken=${token()}`);
      expect([other, answer.status]).toEqual([other, 400]);
      expect(answer.body.error.message).toContain('belongs to another query or caller');
    }
  });
});

test('whatever is written and closed between pages, each row comes once, and two walks are alike', async () => {
  await fc.assert(
    fc.asyncProperty(
      fc.integer({ min: 1, max: 2 }),
      fc.integer({ min: 1_001, max: 2_500 }),
      fc.array(fc.record({ closes: fc.boolean(), rows: fc.integer({ min: 1, max: 40 }) }), {
        minLength: 3,
        maxLength: 6,
      }),
      async (hours, rows, steps) => {
        const begin = open;
        for (let n = 0; n < hours; n++) await fill(begin + n, rows);
        await close(begin + hours);
        const range = [text(begin), text(begin + hours)] as const;
        const openRange = await get<ErrorAnswer>(api.url + hourly(range[0], text(open + 1)));
        expect([openRange.status, openRange.body.error.code]).toEqual([
          202,
          'ProcessingNotComplete',
        ]);
        expect(openRange.headers.get('retry-after')).toMatch(/^\d+$/);
        const left = [...steps];
        const between = async (): Promise<void> => {
          const step = left.shift();
          if (step === undefined) return;
          // Late usage of the same resources, usage hours and meters.
          await fill(open, step.rows);
          if (step.closes) await close(open + 1);
        };
        const first = await walk(hourly(...range), between);
        const second = await walk(hourly(...range), between);
        expect(second).toEqual(first);
        const seen = resourcesOf(first);
        const usages = first
          .flatMap((page) => (JSON.parse(page) as UsagePage).value)
          .map(({ properties: { usageStartTime, meterId, instanceData } }) =>
            JSON.stringify([usageStartTime, meterId, instanceData]),
          );
        expect(new Set(usages).size).toBe(usages.length);
        expect(new Set(seen).size).toBe(rows);
        expect(
          first
            .flatMap((page) => (JSON.parse(page) as UsagePage).value)
            .reduce((sum, { properties }) => sum + properties.quantity, 0),
        ).toBe(hours * rows);
      },
    ),
    { numRuns: 6 },
  );
});

describe('a set of visible tenants', () => {
  const OTHERS = Array.from(
    { length: 6 },
    (_, n) => `${String(n)}d3b9a0e-2222-4222-8333-944455556666`,
  );

  test('is all that a caller gets, however large it is, and in pages', async () => {
    const begin = open;
    await insertWindows(
      stack.clickHouse,
      OTHERS.flatMap((subscription) =>
        Array.from({ length: 400 }, (_, n) => windowOf(begin, n, subscription)),
      ),
    );
    await close(begin + 1);
    const strangers = Array.from(
      { length: 12_000 },
      (_, n) => `${String(n).padStart(8, '0')}-0000-4000-8000-000000000000`,
    );
    for (const visible of [[], OTHERS.slice(1, 2), OTHERS.slice(1, 5), [...strangers, ...OTHERS]]) {
      const limited = await startApi(stack.clickHouse, {
        logger: stack.logger,
        now: at(1_000),
        callerOf: () =>
          Promise.resolve({ ok: true, value: { subscription: PROVIDER, visible } } as const),
      });
      try {
        for (const range of [
          hourly(text(begin), text(begin + 1)),
          hourly(text(begin - 1), text(begin + 1)),
        ]) {
          const pages: UsagePage[] = [];
          for (let next: string | undefined = limited.url + range; next !== undefined;) {
            const page: UsagePage = JSON.parse(await textOf(next)) as UsagePage;
            pages.push(page);
            next = page.nextLink;
          }
          const own = pages
            .flatMap(({ value }) => value)
            .map(({ properties }) => properties.subscriptionId);
          const expected = OTHERS.filter((id) => visible.includes(id));
          expect([...new Set(own)].sort()).toEqual(expected.sort());
          expect(own).toHaveLength(400 * expected.length);
        }
      } finally {
        await limited.close();
      }
    }
  });
});
