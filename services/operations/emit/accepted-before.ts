import type { ClickHouseClient } from '@clickhouse/client';
import { queryRows } from '../../shared/clickhouse/client.ts';
import { hourOf, isoText } from '../../shared/model/time.ts';
import type { EmitProblem } from './given-usage.ts';
import type { PlannedEvent } from './plan-emission.ts';

/** An event of the ledger, by its id. */
export interface AcceptedContent {
  readonly digest: bigint;
  /** As decimal text. */
  readonly quantity: string;
}

interface Row {
  readonly id: string;
  readonly digest: string;
  readonly quantity: string;
}

const IDS_PER_QUERY = 1_000;

/** What the ledger has under the ids of these events. The aggregator may not have stored the newest yet. */
export const readAccepted = async (
  client: ClickHouseClient,
  events: readonly PlannedEvent[],
): Promise<ReadonlyMap<string, AcceptedContent>> => {
  const accepted = new Map<string, AcceptedContent>();
  for (let from = 0; from < events.length; from += IDS_PER_QUERY) {
    const part = events.slice(from, from + IDS_PER_QUERY);
    const hours = part.map(
      ({ event, source }) => hourOf(event.usageStartTime, source.hourMillis) / 1000,
    );
    const rows = await queryRows<Row>(
      client,
      `SELECT toString(e.event_id) AS id, toString(content_digest) AS digest, toString(e.quantity) AS quantity
       FROM usage_events AS e FINAL
       WHERE topic IN ({topics:Array(String)}) AND e.event_id IN ({ids:Array(UUID)})
         AND e.usage_hour BETWEEN toDateTime({first:UInt32}, 'UTC') AND toDateTime({last:UInt32}, 'UTC')`,
      {
        topics: [...new Set(part.map(({ source }) => source.topic))],
        first: hours.reduce((a, b) => Math.min(a, b)),
        last: hours.reduce((a, b) => Math.max(a, b)),
        ids: part.map(({ id }) => id),
      },
    );
    for (const { id, digest, quantity } of rows) {
      accepted.set(id, { digest: BigInt(digest), quantity });
    }
  }
  return accepted;
};

export interface ComparedWithLedger {
  /** Events that are in the ledger already, with the same content. */
  readonly before: readonly PlannedEvent[];
  readonly conflicts: readonly EmitProblem[];
}

export const compareWithLedger = (
  events: readonly PlannedEvent[],
  accepted: ReadonlyMap<string, AcceptedContent>,
): ComparedWithLedger => {
  const before: PlannedEvent[] = [];
  const conflicts: EmitProblem[] = [];
  for (const each of events) {
    const found = accepted.get(each.id);
    if (found === undefined) continue;
    if (found.digest === each.digest) before.push(each);
    else conflicts.push({ line: each.line, field: null, problem: conflict(each, found) });
  }
  return { before, conflicts };
};

const conflict = ({ id, event }: PlannedEvent, { quantity }: AcceptedContent): string =>
  `would be refused as a conflict: usage of this subscription, meter, resource and time is counted already ` +
  `(${isoText(event.usageStartTime)} to ${isoText(event.usageEndTime)}, quantity ${quantity}), and says something else. ` +
  `See "usagectl event ${id}". For more usage of the same time, give a discriminator`;
