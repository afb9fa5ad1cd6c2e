import { Readable } from 'node:stream';
import type { ClickHouseClient } from '@clickhouse/client';
import { rowBinaryOf, usageRow, type UsageRow } from '../../test/support/usage-row.ts';
import { HOUR_MILLIS, millis } from '../shared/model/time.ts';
import type { RowKey } from './continuation-token.ts';
import type { VisibleQuery } from './usage-query.ts';
import { UsageStore } from './usage-store.ts';

const PAGE = 2;
const CALLER = '39c82aed-b2b7-4a66-abdb-611de00bf11e';
const SOURCES = [{ topic: 'usage.events.compute', epoch: 1 }];

const QUERY: VisibleQuery = {
  granularity: 'Hourly',
  from: millis(0),
  to: millis(HOUR_MILLIS),
  subscriberId: null,
  continuationToken: null,
  visible: { allBut: [] },
};

/** A store of an hour with so many keys, each in so many source partitions, that counts its statements. */
class Hour {
  readonly statements: string[] = [];
  isChanged = false;
  failure: Error | null = null;
  /** Whether the engine finds several pages longer than it may tell. */
  isLong = false;
  private readonly keys: number;
  private readonly partitions: number;
  private readonly store: UsageStore;

  constructor(keys: number, partitions = 1) {
    this.keys = keys;
    this.partitions = partitions;
    const client = { exec: this.exec.bind(this) } as unknown as ClickHouseClient;
    this.store = new UsageStore(client, 30);
  }

  private async exec(asked: {
    readonly query: string;
    readonly query_params: { readonly limit: number; readonly resourceKey?: string };
    readonly clickhouse_settings: Readonly<Record<string, unknown>>;
  }): Promise<{ stream: Readable }> {
    const { query, query_params: params } = asked;
    const isAddedUp = query.includes('GROUP BY');
    this.statements.push(isAddedUp ? 'added up' : 'as stored');
    await new Promise(setImmediate);
    if (this.failure !== null) throw this.failure;
    if (this.isLong && 'max_result_bytes' in asked.clickhouse_settings) {
      throw Object.assign(new Error('Limit for result exceeded'), { code: '396' });
    }
    const rows = Array.from({ length: this.keys }, (_, n) => usageRow(n)).flatMap((row) =>
      isAddedUp
        ? [{ ...row, quantity: String(this.partitions) }]
        : Array<UsageRow>(this.partitions).fill(row),
    );
    const { limit, resourceKey = '' } = params;
    const found = rows.filter((row) => row.resourceKey > resourceKey).slice(0, limit);
    return { stream: Readable.from([rowBinaryOf(found)]) };
  }

  /** The resources and quantities of a page; null if it may be mixed. */
  async page(after: RowKey | null, digest = 'answer'): Promise<string | null> {
    const isUnchanged = () => Promise.resolve(!this.isChanged);
    const answer = { digest, caller: CALLER, isUnchanged };
    const page = await this.store.page(QUERY, SOURCES, after, PAGE, answer);
    if (page === null) return null;
    const rows = [
      ...page.list.toString().matchAll(/"resourceUri\\":\\"(\d+)\\".*?"quantity":(\d+)/g),
    ];
    return rows.map(([, resource = '', quantity = '']) => `${resource}×${quantity}`).join(' ');
  }
}

test('callers of the same page at the same time get what one statement has read', async () => {
  const hour = new Hour(9);
  const pages = await Promise.all(Array.from({ length: 10 }, () => hour.page(usageRow(1))));
  expect(pages).toEqual(Array(10).fill('2×1 3×1'));
  expect(hour.statements).toHaveLength(1);
});

test('a page is read once, and with a second one those that follow it', async () => {
  const hour = new Hour(20);
  for (const round of [1, 2]) {
    expect(await hour.page(null)).toBe('0×1 1×1');
    expect(await hour.page(usageRow(1))).toBe('2×1 3×1');
    expect(await hour.page(usageRow(3))).toBe('4×1 5×1');
    expect(await hour.page(usageRow(7))).toBe('8×1 9×1');
    expect([round, hour.statements.length]).toEqual([round, 2]);
  }
  expect(await hour.page(usageRow(9))).toBe('10×1 11×1');
  expect(hour.statements).toHaveLength(3);
});

test('a page of another answer is read for itself', async () => {
  const hour = new Hour(9);
  await hour.page(usageRow(1));
  await hour.page(usageRow(1), 'restated');
  expect(hour.statements).toHaveLength(2);
});

test('page-beside-a-rebuild: what was read while a restatement began is not kept, nor told to others who waited for it', async () => {
  const hour = new Hour(9);
  hour.isChanged = true;
  expect(await Promise.all([hour.page(usageRow(1)), hour.page(usageRow(1))])).toEqual([null, null]);
  hour.isChanged = false;
  expect(await hour.page(usageRow(1))).toBe('2×1 3×1');
  expect(await hour.page(usageRow(3))).toBe('4×1 5×1');
  expect(hour.statements).toHaveLength(2);
});

test('a statement that fails fails for all who wait for it, and the next caller has another one', async () => {
  const hour = new Hour(9);
  hour.failure = new Error('away');
  const both = await Promise.allSettled([hour.page(null), hour.page(null)]);
  expect(both.map(({ status }) => status)).toEqual(['rejected', 'rejected']);
  hour.failure = null;
  expect(await hour.page(null)).toBe('0×1 1×1');
  expect(hour.statements).toHaveLength(2);
});

test('rows of few partitions are added up here, and those of many, which fill no page, by the engine', async () => {
  const few = new Hour(9, 2);
  expect(await few.page(usageRow(1))).toBe('2×2 3×2');
  expect(few.statements).toEqual(['as stored']);
  const many = new Hour(9, 50);
  expect(await many.page(usageRow(1))).toBe('2×50 3×50');
  expect(await many.page(usageRow(3))).toBe('4×50 5×50');
  expect(many.statements).toEqual(['as stored', 'added up']);
});

test('an answer without rows takes one statement', async () => {
  const hour = new Hour(0);
  expect(await hour.page(null)).toBe('');
  expect(hour.statements).toEqual(['as stored']);
});

test('pages-of-long-tags: where several pages are too long to be held at once, one is read', async () => {
  const hour = new Hour(20);
  hour.isLong = true;
  for (const n of [1, 3, 5]) {
    expect(await hour.page(usageRow(n))).toBe(`${String(n + 1)}×1 ${String(n + 2)}×1`);
  }
  expect(hour.statements).toHaveLength(6);
});
