import type { ClickHouseClient } from '@clickhouse/client';
import { eventsOfUsage } from '../../services/provider-sdk/index.ts';
import { queryRows } from '../../services/shared/clickhouse/client.ts';
import { parseQuantity } from '../../services/shared/model/decimal.ts';
import { uuidText } from '../../services/shared/model/usage-event.ts';
import { usageOf, type Assignment } from './assignment.ts';

/** A number's events in the ledger. */
interface LedgerRow {
  readonly id: string;
  readonly quantity: string;
  readonly rows: string;
  readonly partition: number;
  readonly offset: string;
}

type Told = Pick<Assignment, 'seed' | 'namespace' | 'base' | 'topic'>;

/** What a provider has done, in the order of its calls. */
export interface Emitted {
  readonly emitted: ReadonlySet<number>;
  readonly taken: ReadonlySet<number>;
  readonly repeated: ReadonlySet<number>;
}

/** Of each event that the SDK makes of these usages: its id and its quantity in units of 10^-30. */
const eventsOf = (told: Told, numbers: Iterable<number>): ReadonlyMap<string, bigint> =>
  new Map(
    [...numbers].flatMap((n) => {
      const events = eventsOfUsage(usageOf(told, n));
      if (!events.ok) throw new Error(JSON.stringify(events.error));
      return events.value.map(({ eventId, quantity }) => [uuidText(eventId), quantity] as const);
    }),
  );

/** Of each partition, the first two that stand in another order than that of the calls. */
const disorder = (ids: Iterable<string>, ledger: ReadonlyMap<string, LedgerRow>): string[] => {
  const last = new Map<number, LedgerRow>();
  const found = new Map<number, string>();
  for (const id of ids) {
    const row = ledger.get(id);
    if (!row) continue;
    const before = last.get(row.partition);
    if (before && Number(before.offset) > Number(row.offset)) {
      found.set(row.partition, `${before.id} was emitted before ${id} and is behind it in the log`);
    }
    last.set(row.partition, row);
  }
  return [...found.values()];
};

/**
 * How the ledger differs from what a provider was told: every event whose `emit` has resolved is there exactly once, and no
 * other one but what was emitted; what was emitted once and taken stands in the order of the calls.
 */
export const compareWithLedger = async (
  clickHouse: ClickHouseClient,
  told: Told,
  { emitted, taken, repeated }: Emitted,
): Promise<readonly string[]> => {
  const rows = await queryRows<LedgerRow>(
    clickHouse,
    `SELECT toString(event_id) AS id, toString(any(e.quantity)) AS quantity, toString(count()) AS rows,
       any(e.partition) AS partition, toString(any(e.offset)) AS offset
     FROM usage_events AS e FINAL WHERE topic = {topic: String} GROUP BY event_id`,
    { topic: told.topic },
  );
  const ledger = new Map(rows.map((row) => [row.id, row]));
  const expectedOf = eventsOf(told, emitted);
  const missing = [...eventsOf(told, taken)].flatMap(([id]) =>
    ledger.has(id) ? [] : [`${id} was taken and is not in the ledger`],
  );
  const wrong = rows.flatMap(({ id, quantity, rows: count }) => {
    const expected = expectedOf.get(id);
    if (expected === undefined) return [`${id} is in the ledger and was never emitted`];
    if (count !== '1') return [`${id} is in the ledger ${count} times`];
    return parseQuantity(quantity) === expected ? [] : [`${id} has quantity ${quantity}`];
  });
  const once = [...emitted].filter((n) => taken.has(n) && !repeated.has(n));
  return [...missing, ...wrong, ...disorder(eventsOf(told, once).keys(), ledger)];
};
