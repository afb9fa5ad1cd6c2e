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
}

export interface Emitted {
  readonly assignment: Pick<Assignment, 'seed' | 'namespace' | 'base' | 'topic'>;
  readonly emitted: ReadonlySet<number>;
  readonly taken: ReadonlySet<number>;
}

/** Of each event that the SDK makes of these usages: its id and its quantity in units of 10^-30. */
const eventsOf = (of: Emitted, numbers: ReadonlySet<number>): ReadonlyMap<string, bigint> =>
  new Map(
    [...numbers].flatMap((n) => {
      const events = eventsOfUsage(usageOf(of.assignment, n));
      if (!events.ok) throw new Error(JSON.stringify(events.error));
      return events.value.map(({ eventId, quantity }) => [uuidText(eventId), quantity] as const);
    }),
  );

/** How the ledger differs from what a provider was told: every event whose `emit` has resolved is there exactly once, and no other one but what was emitted. */
export const compareWithLedger = async (
  clickHouse: ClickHouseClient,
  of: Emitted,
): Promise<readonly string[]> => {
  const rows = await queryRows<LedgerRow>(
    clickHouse,
    `SELECT toString(event_id) AS id, toString(any(e.quantity)) AS quantity, toString(count()) AS rows
     FROM usage_events AS e FINAL WHERE topic = {topic: String} GROUP BY event_id`,
    { topic: of.assignment.topic },
  );
  const ledger = new Map(rows.map((row) => [row.id, row]));
  const taken = eventsOf(of, of.taken);
  const emitted = eventsOf(of, of.emitted);
  const missing = [...taken].flatMap(([id]) =>
    ledger.has(id) ? [] : [`${id} was taken and is not in the ledger`],
  );
  const wrong = rows.flatMap(({ id, quantity, rows: count }) => {
    const expected = emitted.get(id);
    if (expected === undefined) return [`${id} is in the ledger and was never emitted`];
    if (count !== '1') return [`${id} is in the ledger ${count} times`];
    return parseQuantity(quantity) === expected ? [] : [`${id} has quantity ${quantity}`];
  });
  return [...missing, ...wrong];
};
