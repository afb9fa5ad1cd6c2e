import type { ClickHouseClient } from '@clickhouse/client';
import { compose, type Composition } from '../../services/bridge/fold/compose.ts';
import { ClickHouseStore } from '../../services/bridge/store/clickhouse-store.ts';
import { queryRows } from '../../services/shared/clickhouse/client.ts';
import { formatQuantity, type Quantity } from '../../services/shared/model/decimal.ts';
import { HOUR_MILLIS } from '../../services/shared/model/time.ts';
import {
  BILLABLE,
  hour,
  NOT_BILLABLE,
  ONE,
  sourceOf,
  termsOfAll,
  uriOf,
} from '../support/bridge/aggregates-log.ts';
import { openTestStack, type TestStack } from '../support/test-stack.ts';

const SOURCE = sourceOf();
const AT = { topic: SOURCE.topic, epoch: SOURCE.epoch, partition: 0 };
const LOG = 1;
const SUBMISSIONS = 11_003;
const UNBILLED = 5_001;

const idOf = (n: number): string => `00000000-0000-4000-8000-${String(n).padStart(12, '0')}`;

/** An hour with more of everything than goes into one insert. */
const largeHour = (): Composition =>
  compose(
    {
      at: AT,
      source: SOURCE,
      hour: hour(0),
      digest: 'digest',
      firstOffset: 0,
      markerOffset: 99,
      usage: Array.from({ length: SUBMISSIONS + UNBILLED }, (_, n) => {
        const quantity = (ONE + BigInt(n)) as Quantity;
        return {
          aggregateId: idOf(n),
          subscriptionId: idOf(n),
          meterId: n < SUBMISSIONS ? BILLABLE : NOT_BILLABLE,
          resourceUri: uriOf(`vm${String(n)}`),
          location: 'local',
          quantity,
          months: [{ month: '2026-01', quantity }],
        };
      }),
      carries: [],
    },
    termsOfAll(),
    () => true,
  );

let stack: TestStack;
beforeEach(async () => {
  stack = await openTestStack();
});
afterEach(() => stack.close());

/** A store that notes what it inserts, and dies before one of its inserts. */
const storeOf = (diesBefore = Infinity) => {
  const inserts: [table: string, rows: number][] = [];
  const client = new Proxy(stack.clickHouse, {
    get: (target, name) =>
      name === 'insert'
        ? (params: Parameters<ClickHouseClient['insert']>[0]) => {
            if (inserts.length === diesBefore) return Promise.reject(new Error('it has died'));
            inserts.push([params.table, (params.values as readonly unknown[]).length]);
            return target.insert(params);
          }
        : (Reflect.get(target, name) as unknown),
  });
  return { inserts, store: new ClickHouseStore(client, 'aggregates', () => HOUR_MILLIS) };
};

/** Each row that is stored, once for each time that it is. */
const rowsOf = async (table: string): Promise<{ readonly rows: number; readonly sum: string }> => {
  const [row] = await queryRows<{ readonly rows: string; readonly sum: string }>(
    stack.clickHouse,
    `SELECT toString(count()) AS rows, toString(sum(t.quantity)) AS sum FROM ${table} AS t FINAL`,
  );
  return { rows: Number(row?.rows), sum: row?.sum ?? '' };
};

const sumOf = (all: readonly { readonly quantity: Quantity }[]): string =>
  formatQuantity(all.reduce((sum, { quantity }) => sum + quantity, 0n) as Quantity);

test('a large hour is written in parts, each row in one of them', async () => {
  const composition = largeHour();
  const { store, inserts } = storeOf();
  await store.writeSubmissions([composition]);
  expect(inserts).toEqual([
    ['commerce_submissions', 5_000],
    ['commerce_submissions', 5_000],
    ['commerce_submissions', 1_003],
    ['unbilled_usage', 5_000],
    ['unbilled_usage', 1],
  ]);
  expect(await rowsOf('commerce_submissions')).toEqual({
    rows: SUBMISSIONS,
    sum: sumOf(composition.submissions),
  });
  expect(await rowsOf('unbilled_usage')).toEqual({
    rows: UNBILLED,
    sum: sumOf(composition.unbilled),
  });
});

test.each([
  [1, 5_000, 0],
  [2, 10_000, 0],
  [4, SUBMISSIONS, 5_000],
])(
  'of a bridge that dies after %d parts nothing counts; the next one writes the whole hour once',
  async (parts, submissions, unbilled) => {
    const composition = largeHour();
    await expect(storeOf(parts).store.writeSubmissions([composition])).rejects.toThrow('died');
    expect((await rowsOf('commerce_submissions')).rows).toBe(submissions);
    expect((await rowsOf('unbilled_usage')).rows).toBe(unbilled);
    const { store } = storeOf();
    expect(await store.unfinished(LOG)).toEqual([]);
    expect((await store.composedBefore(LOG)).size).toBe(0);

    await store.writeSubmissions([composition]);
    await store.writeCompositions(LOG, [composition]);
    const unfinished = { at: AT, hour: hour(0), firstOffset: 0, count: SUBMISSIONS };
    expect(await store.unfinished(LOG)).toEqual([unfinished]);
    const pending = await store.pendingOf(unfinished);
    expect(new Set(pending.map(({ submission }) => submission.submissionId))).toEqual(
      new Set(composition.submissions.map(({ submissionId }) => submissionId)),
    );
    expect(sumOf(pending.map(({ submission }) => submission))).toBe(sumOf(composition.submissions));
    expect((await rowsOf('unbilled_usage')).rows).toBe(UNBILLED);
  },
);
