import { TupleParam } from '@clickhouse/client';
import fc from 'fast-check';
import { insertRows, queryRows } from '../../services/shared/clickhouse/client.ts';
import { rowBinary } from '../../services/shared/clickhouse/row-binary.ts';
import { timeOf } from '../../services/shared/model/time-text.ts';
import { asciiLower } from '../../services/shared/model/placement.ts';
import type { SourceId } from '../../services/shared/model/source.ts';
import { HOUR_MILLIS, type Hour } from '../../services/shared/model/time.ts';
import type { RowKey } from '../../services/usage-api/continuation-token.ts';
import { pageSql, type PageForm } from '../../services/usage-api/page-sql.ts';
import { pagesOf, type PageText } from '../../services/usage-api/page-text.ts';
import { StoredRows } from '../../services/usage-api/stored-rows.ts';
import type { UsagePage } from '../../services/usage-api/usage-page.ts';
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
  startApi,
  type Answer,
  type ErrorAnswer,
  type RunningApi,
  type TestWindow,
} from './usage-api-fixture.ts';

/**
 * Pages are cut from an order that the table does not have: it is sorted by source and partition
 * first. So the windows here are such that each partition holds keys from everywhere in that order.
 */
const FROM = hour('2025-12-01T00');
const CLOSED = 4;
const NOW = FROM + 12 * HOUR_MILLIS;
const SOURCES: readonly SourceId[] = ['storage', 'compute', 'network'].map((name) => ({
  topic: `usage.events.${name}`,
  epoch: 1,
}));
const PARTITIONS = 2;

let stack: TestStack;
let api: RunningApi;

beforeAll(async () => {
  stack = await openTestStack();
  for (const source of SOURCES) {
    await declareSource(stack.clickHouse, {
      ...source,
      kind: 'live',
      partitions: PARTITIONS,
      firstHour: FROM,
      lastHour: null,
      state: 'open',
    });
    for (let partition = 0; partition < PARTITIONS; partition++) {
      await closeThrough(stack.clickHouse, { ...source, partition }, at(CLOSED));
    }
  }
  api = await startApi(stack.clickHouse, { logger: stack.logger, now: NOW });
});

afterAll(async () => {
  await api.close();
  await stack.close();
});

const at = (hours: number): Hour => (FROM + hours * HOUR_MILLIS) as Hour;

let nextOffset = 1;

/** What differs between windows; numbers choose from the few values that there are. */
interface Choice {
  readonly source: number;
  readonly partition: number;
  readonly reported: number;
  readonly ago: number;
  readonly subscription: number;
  readonly meter: number;
  readonly resource: string;
}

const windowOf = (choice: Choice): TestWindow => ({
  topic: SOURCES[choice.source % SOURCES.length]?.topic ?? '',
  epoch: 1,
  partition: choice.partition % PARTITIONS,
  reportedHour: at(choice.reported),
  usageHour: at(choice.reported - choice.ago),
  subscriptionId: `Subscription-${String(choice.subscription)}`,
  meterId: `METER-${String(choice.meter)}`,
  resourceUri: choice.resource,
  location: 'local',
  tags: null,
  additionalInfo: null,
  quantity: String((nextOffset % 7) + 1),
  firstOffset: nextOffset,
  lastOffset: nextOffset++,
});

const keyOf = (window: TestWindow): RowKey => ({
  usageStart: window.usageHour / 1000,
  subscriptionKey: asciiLower(window.subscriptionId),
  meterKey: asciiLower(window.meterId),
  resourceKey: asciiLower(window.resourceUri),
});

const keyText = (key: RowKey): string =>
  JSON.stringify([key.usageStart, key.subscriptionKey, key.meterKey, key.resourceKey]);

/** The order of pages: times as numbers, texts by their bytes in UTF-8. */
const inOrder = (a: RowKey, b: RowKey): number =>
  a.usageStart - b.usageStart ||
  Buffer.compare(Buffer.from(a.subscriptionKey), Buffer.from(b.subscriptionKey)) ||
  Buffer.compare(Buffer.from(a.meterKey), Buffer.from(b.meterKey)) ||
  Buffer.compare(Buffer.from(a.resourceKey), Buffer.from(b.resourceKey));

/** The rows that the pages must have together: each key once, in order, with its windows added up. */
const expectedRows = (windows: readonly TestWindow[]): readonly (readonly [string, string])[] => {
  const sums = new Map<string, { readonly key: RowKey; readonly quantity: number }>();
  for (const window of windows) {
    const key = keyOf(window);
    const text = keyText(key);
    sums.set(text, { key, quantity: (sums.get(text)?.quantity ?? 0) + Number(window.quantity) });
  }
  return [...sums.values()]
    .sort((a, b) => inOrder(a.key, b.key))
    .map(({ key, quantity }) => [keyText(key), String(quantity)] as const);
};

const queryOf = (from: number, to: number): VisibleQuery => ({
  granularity: 'Hourly',
  from: at(from),
  to: at(to),
  subscriberId: null,
  continuationToken: null,
  visible: { allBut: [] },
});

const isUnchanged = (): Promise<boolean> => Promise.resolve(true);

/** All pages of a range, each one begun behind the last row of the one before; without a digest, none is kept. */
const walk = async (
  query: VisibleQuery,
  pageRows: number,
  between: () => Promise<unknown> = () => Promise.resolve(),
  digest: string | null = null,
): Promise<readonly (readonly UsageAggregateResource[])[]> => {
  const store = new UsageStore(stack.clickHouse, 30);
  const pages: (readonly UsageAggregateResource[])[] = [];
  for (let after: RowKey | null = null, more = true; more;) {
    const answer = { digest: digest ?? String(pages.length), caller: 'caller', isUnchanged };
    const page: PageText | null = await store.page(query, SOURCES, after, pageRows, answer);
    if (page === null) throw new Error('nothing was restated');
    pages.push(rowsIn(page));
    after = page.end;
    more = after !== null;
    await between();
  }
  return pages;
};

const rowsIn = ({ list }: Pick<PageText, 'list'>): readonly UsageAggregateResource[] =>
  JSON.parse(list.toString()) as readonly UsageAggregateResource[];

const keyIn = (row: UsageAggregateResource): RowKey => ({
  usageStart: timeOf(row.properties.usageStartTime) / 1000,
  subscriptionKey: asciiLower(row.properties.subscriptionId),
  meterKey: asciiLower(row.properties.meterId),
  resourceKey: asciiLower(instanceOf(row).resourceUri),
});

const found = (
  pages: readonly (readonly UsageAggregateResource[])[],
): readonly (readonly [string, string])[] =>
  pages.flat().map((row) => [keyText(keyIn(row)), String(row.properties.quantity)] as const);

/** All rows of an hour on one page, in the one form or the other. */
const inForm = async (query: VisibleQuery, form: PageForm): Promise<string> => {
  const limit = 10_000;
  const sources = SOURCES.map(({ topic, epoch }) => new TupleParam([topic, epoch]));
  const params = { from: query.from / 1000, to: query.to / 1000, sources, limit };
  const parts: Buffer[] = [];
  const sql = pageSql(query, null, { timeLimitSeconds: 30, hourMillis: HOUR_MILLIS }, form);
  for await (const part of rowBinary(stack.clickHouse, sql, params)) parts.push(part);
  const rows = new StoredRows(Buffer.concat(parts), limit);
  return pagesOf(rows, null, limit, 'caller')
    .map(({ list }) => list.toString())
    .join();
};

test('pages of thousands of rows hold each key once, in order, whatever part of the table has it', async () => {
  const keys = 3_400;
  const windows = Array.from({ length: 2 * keys }, (_, index) => {
    // Twice each key, in two hours and two partitions; the second time backwards.
    const key = index < keys ? index : 2 * keys - 1 - index;
    const reported = index < keys ? 0 : 1;
    return windowOf({
      source: index % 3,
      partition: index % 2,
      reported,
      ago: reported + (key % 2),
      subscription: key % 2,
      meter: key % 3,
      resource: `/x/vm${String((key * 7919) % keys)}`,
    });
  });
  for (const part of [0, 1, 2, 3]) {
    await insertWindows(
      stack.clickHouse,
      windows.filter((_, index) => index % 4 === part),
    );
  }
  const pages = await walk(queryOf(0, 2), 1_000);
  expect(pages.map(({ length }) => length)).toEqual([1_000, 1_000, 1_000, 400]);
  expect(found(pages)).toEqual(expectedRows(windows));
});

test('whatever the rows are, and while others are written, pages give what was closed', async () => {
  const choice = fc.record({
    source: fc.nat(2),
    partition: fc.nat(1),
    ago: fc.nat(2),
    subscription: fc.nat(1),
    meter: fc.nat(1),
    resource: fc.constantFrom(
      '/a',
      '/A',
      '/a/b',
      '/a%',
      "/a'",
      '/a\\',
      '/ä',
      '/\u{1F600}',
      '/\uffee',
    ),
  });
  await fc.assert(
    fc.asyncProperty(
      fc.array(choice, { minLength: 1, maxLength: 40 }),
      fc.array(choice, { maxLength: 10 }),
      fc.integer({ min: 1, max: 4 }),
      fc.integer({ min: 1, max: 2 }), // one hour is read in another way than several
      fc.constantFrom(null, 'digest'), // with one, pages are read ahead
      async (closed, later, pageRows, hours, digest) => {
        await stack.clickHouse.command({ query: 'TRUNCATE TABLE usage_hourly' });
        const windows = closed.map((each, index) =>
          windowOf({ ...each, reported: 2 + (index % hours) }),
        );
        // A window is one row: what falls into the same one replaces it.
        const held = new Map(
          windows.map((window) => [
            `${window.topic}/${String(window.partition)}/${String(window.reportedHour)}/${keyText(keyOf(window))}`,
            window,
          ]),
        );
        for (const part of [0, 1]) {
          await insertWindows(
            stack.clickHouse,
            windows.filter((_, index) => index % 3 === part || (part === 1 && index % 3 === 2)),
          );
        }
        // Usage of the same hours and keys that is reported after the range.
        const open = later.map((each) => windowOf({ ...each, reported: CLOSED }));
        const between = async (): Promise<void> => {
          const next = open.splice(0, 1);
          if (next.length > 0) await insertWindows(stack.clickHouse, next);
        };
        const pages = await walk(queryOf(2, 2 + hours), pageRows, between, digest);
        expect(found(pages)).toEqual(expectedRows([...held.values()]));
        expect(pages.slice(0, -1).every(({ length }) => length === pageRows)).toBe(true);
        if (hours === 1) {
          // The engine's own adding up agrees in the texts too, which are those of the earliest event.
          const addedUp = await inForm(queryOf(2, 3), 'added-up');
          expect(await inForm(queryOf(2, 3), 'as-stored')).toBe(addedUp);
          expect(pages.flat()).toEqual(rowsIn({ list: Buffer.from(addedUp || '[]') }));
        }
      },
    ),
    { numRuns: 30 },
  );
});

test('a page behind many others reads no rows of those before it, and stops when it is full', async () => {
  const rows = 40_000;
  for (const partition of [0, 1]) {
    await stack.clickHouse.command({
      query: `INSERT INTO usage_hourly (topic, epoch, partition, reported_hour, usage_hour, usage_hour_end,
          subscription_key, meter_key, resource_key, subscription_id, meter_id, resource_uri, location,
          quantity, event_count, first_offset, last_offset, generation)
        SELECT {topic:String}, 1, {partition:UInt16}, toDateTime({hour:UInt32}, 'UTC') AS hour, hour, hour + 3600,
          's', 'm', concat('/r/', leftPad(toString(number), 5, '0')) AS uri, 's', 'm', uri, 'l', 1, 1, number, number, 0
        FROM numbers({rows:UInt32}) WHERE number % 2 = {partition:UInt16}`,
      query_params: { topic: SOURCES[0]?.topic, partition, hour: at(1) / 1000, rows },
    });
  }
  const key = { usageStart: at(1) / 1000, subscriptionKey: 's', meterKey: 'm' };
  const explained = async <Row>(
    kind: string,
    after: RowKey,
    form: PageForm,
  ): Promise<readonly Row[]> => {
    const limits = { timeLimitSeconds: 30, hourMillis: HOUR_MILLIS };
    const sql = pageSql(queryOf(1, 2), after, limits, form);
    const sources = SOURCES.map(({ topic, epoch }) => new TupleParam([topic, epoch]));
    const params = { from: at(1) / 1000, sources, limit: 1_001, ...after };
    return queryRows<Row>(stack.clickHouse, `EXPLAIN ${kind} ${sql}`, params);
  };
  const last = { ...key, resourceKey: '/r/38999' };
  for (const form of ['as-stored', 'added-up'] as const) {
    const [estimate] = await explained<{ rows: string }>('ESTIMATE', last, form);
    expect(Number(estimate?.rows)).toBeLessThan(rows / 4);
    const pipeline = await explained<{ explain: string }>('PIPELINE', last, form);
    const text = pipeline.map(({ explain }) => explain).join('\n');
    expect(text).toContain('algorithm: InOrder');
    if (form === 'added-up') expect(text).toContain('AggregatingInOrder');
  }
  const store = new UsageStore(stack.clickHouse, 30);
  const answer = { digest: 'digest', caller: 'caller', isUnchanged };
  const page = await store.page(queryOf(1, 2), SOURCES, last, 1_000, answer);
  const first = page === null ? undefined : rowsIn(page)[0];
  expect([page?.rows, first && keyIn(first).resourceKey]).toEqual([1_000, '/r/39000']);
});

test('pages-of-long-tags: pages that are too long to be read together come one by one', async () => {
  const [rows, pageRows] = [900, 200];
  await stack.clickHouse.command({ query: 'TRUNCATE TABLE usage_hourly' });
  await stack.clickHouse.command({
    query: `INSERT INTO usage_hourly (topic, epoch, partition, reported_hour, usage_hour, usage_hour_end,
        subscription_key, meter_key, resource_key, subscription_id, meter_id, resource_uri, location,
        tags, additional_info, quantity, event_count, first_offset, last_offset, generation)
      SELECT {topic:String}, 1, 0, toDateTime({hour:UInt32}, 'UTC') AS hour, hour, hour + 3600,
        's', 'm', concat('/r/', leftPad(toString(number), 5, '0')) AS uri, 's', 'm', uri, 'l',
        repeat('t', 60000), repeat('i', 60000), 1, 1, number, number, 0
      FROM numbers({rows:UInt32})`,
    query_params: { topic: SOURCES[0]?.topic, hour: at(1) / 1000, rows },
  });
  let statements = 0;
  const counting = new Proxy(stack.clickHouse, {
    get: (client, name) => {
      if (name === 'exec') statements++;
      const value: unknown = Reflect.get(client, name);
      return typeof value === 'function' ? (value.bind(client) as unknown) : value;
    },
  });
  const store = new UsageStore(counting, 30);
  const page = (after: RowKey | null) =>
    store.page(queryOf(1, 2), SOURCES, after, pageRows, {
      digest: 'digest',
      caller: 'caller',
      isUnchanged,
    });
  const first = await page(null);
  const second = await page(first?.end ?? null);
  // The second page was asked for with three others first.
  expect([second?.rows, statements]).toEqual([pageRows, 3]);
  const last = second === null ? undefined : rowsIn(second).at(-1);
  expect(last && keyIn(last).resourceKey).toBe('/r/00399');
  expect(last && instanceOf(last).tags).toBe('t'.repeat(60_000));
});

describe('an hour that is restated between two pages', () => {
  const RANGE = ['2025-12-01T02', '2025-12-01T03'] as const;

  const record = (hours: number, generation: number, written: boolean, rows = 1): Promise<void> =>
    insertRows(stack.clickHouse, 'restatements', [
      {
        ...SOURCES[0],
        partition: 0,
        reported_hour: at(hours) / 1000,
        generation,
        windows: rows,
        written,
        reason: 'test',
        actor: 'test',
      },
    ]);

  const restate = async (hours: number, generation: number, rows = 1): Promise<void> => {
    await record(hours, generation, false, rows);
    await record(hours, generation, true, rows);
  };

  const linkOfFirstPage = async (): Promise<string> => {
    const { status, body } = await get(api.url + hourly(...RANGE));
    expect(status).toBe(200);
    return body.nextLink ?? '';
  };

  beforeAll(async () => {
    await stack.clickHouse.command({ query: 'TRUNCATE TABLE usage_hourly' });
    await insertWindows(
      stack.clickHouse,
      Array.from({ length: 1_001 }, (_, index) =>
        windowOf({
          source: 0,
          partition: 0,
          reported: 2,
          ago: 0,
          subscription: 0,
          meter: 0,
          resource: `/x/${String(index)}`,
        }),
      ),
    );
  });

  test('ends the answer: its second page would be of other rows than its first', async () => {
    for (const generation of [1, 2]) {
      const next = await linkOfFirstPage();
      await restate(2, generation);
      const { status, body } = await get<ErrorAnswer>(next);
      expect([status, body.error.code]).toEqual([400, 'InvalidProperty']);
      expect(body.error.message).toContain("'continuationToken'");
      const again: Answer<UsagePage> = await get(await linkOfFirstPage());
      expect(again.body.value).toHaveLength(1);
      expect(again.headers.get('x-usage-restated-hours')).toBe('2025-12-01T02:00:00Z');
    }
  });

  test('page-beside-a-rebuild: nobody gets the hour between its two records', async () => {
    const next = await linkOfFirstPage();
    await record(2, 3, false);
    expect((await get<ErrorAnswer>(next)).body.error.message).toContain('is stale');
    const waiting = await get<ErrorAnswer>(api.url + hourly(...RANGE));
    expect([waiting.status, waiting.body.error.code]).toEqual([202, 'ProcessingNotComplete']);
    expect(waiting.body.error.message).toContain('is being restated');
    expect(waiting.headers.get('retry-after')).toBe('30');
    await record(2, 3, true);
    expect((await get(await linkOfFirstPage())).body.value).toHaveLength(1);
  });

  test('does not end it where its rows stayed as they were, or are of another range', async () => {
    const next = await linkOfFirstPage();
    await restate(2, 4, 0);
    await restate(3, 1);
    expect((await get(next)).body.value).toHaveLength(1);
  });
});
