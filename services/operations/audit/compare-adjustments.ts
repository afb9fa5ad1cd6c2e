import type { ClickHouseClient } from '@clickhouse/client';
import { formatQuantity } from '../../shared/model/decimal.ts';
import { asciiLower } from '../../shared/model/placement.ts';
import {
  newestEpoch,
  sourceName,
  type Source,
  type SourcePartition,
} from '../../shared/model/source.ts';
import { isoText, millis } from '../../shared/model/time.ts';
import { uuidText } from '../../shared/model/usage-event.ts';
import { contradiction, type Differences, type Values } from './differences.ts';
import type { AcceptedEvent } from './recount.ts';
import { instant, millisecond, shortest, storedRows } from './stored-rows.ts';

const COLUMNS = ['subscription', 'meter', 'resource', 'usage_hour', 'quantity', 'reason'];

const FIRST = `(SELECT * FROM adjustments ORDER BY at LIMIT 1 BY adjustment_id)`;

/** What a person recorded as an adjustment. */
export interface RecordedByHand {
  readonly id: string;
  readonly topic: string;
  readonly usageHour: number;
  /** When it was recorded. */
  readonly at: number;
  readonly values: Values;
}

/** By id. */
export type ByHand = ReadonlyMap<string, RecordedByHand>;

/** Everything that people recorded. Of several rows of an id the first one counts. */
export const readByHand = async (client: ClickHouseClient): Promise<ByHand> => {
  const found = new Map<string, RecordedByHand>();
  const rows = storedRows(
    client,
    `SELECT toString(t.adjustment_id), t.topic, lower(t.subscription_id), lower(t.meter_id), lower(t.resource_uri),
       ${instant('usage_hour')}, toString(t.quantity), t.reason,
       toUnixTimestamp64Milli(toDateTime64(t.at, 3))
     FROM ${FIRST} AS t`,
    {},
  );
  for await (const row of rows) {
    const [id, topic, subscription, meter, resource, hour, quantity, reason, at] = row;
    found.set(String(id), {
      id: String(id),
      topic: String(topic),
      usageHour: Number(hour),
      at: Number(at),
      values: [subscription, meter, resource, hour, shortest(quantity), reason].map(
        (value) => value ?? null,
      ),
    });
  }
  return found;
};

/** An adjustment in the log must be one that somebody recorded, and say the same. */
export const compareSigned = (
  at: SourcePartition,
  accepted: readonly AcceptedEvent[],
  byHand: ByHand,
  differences: Differences,
): void => {
  for (const event of accepted) {
    if (!event.isAdjustment) continue;
    const id = uuidText(event.usage.eventId);
    const recorded = byHand.get(id);
    const problem = recorded
      ? contradiction(COLUMNS, valuesOf(event), recorded.values)
      : 'is in the log, and nobody has recorded it';
    if (problem !== null) differences.add(at, 'adjustment', id, problem, event.offset);
  }
};

const valuesOf = ({ usage, usageHour, quantity }: AcceptedEvent): Values => [
  asciiLower(usage.subscriptionId),
  asciiLower(usage.meterId),
  asciiLower(usage.resourceUri),
  usageHour,
  formatQuantity(quantity),
  reasonIn(usage.additionalInfo),
];

const reasonIn = (info: string | null): string | null => {
  try {
    const { adjustment } = JSON.parse(info ?? '') as { adjustment?: { reason?: unknown } };
    return typeof adjustment?.reason === 'string' ? adjustment.reason : null;
  } catch {
    return null;
  }
};

/**
 * What people recorded must be in the ledger once, and be what they recorded:
 *
 * | rows in the ledger                                    | is            |
 * |-------------------------------------------------------|---------------|
 * | one, of the same quantity                             | right         |
 * | one, of another quantity                              | changed       |
 * | none, and its topic was counted an hour further since | lost          |
 * | none, and it was not                                  | not known yet |
 * | several: the topic of its resource changed            | doubled       |
 *
 * The ledger says nothing about usage below its floor.
 */
export const compareByHand = async (
  client: ClickHouseClient,
  byHand: ByHand,
  sources: readonly Source[],
  { floor, topic: wanted }: { readonly floor: number; readonly topic: string | null },
  differences: Differences,
): Promise<void> => {
  if (byHand.size === 0) return;
  const watermarks = await watermarkOf(client); // before the ledger: what it covers is there
  const ledger = await quantitiesById(client);
  for (const { id, topic, usageHour, at, values } of byHand.values()) {
    const source = newestEpoch(sources, topic);
    if (source === undefined || usageHour < floor || (wanted ?? topic) !== topic) continue;
    const isLate = (watermarks.get(sourceName(source)) ?? 0) >= at + source.hourMillis;
    const problem = problemWith(ledger.get(id) ?? [], String(values[4]), isLate);
    if (problem === null) continue;
    const place = { topic, epoch: source.epoch, partition: 0 };
    differences.add(place, 'adjustment', `${id} of ${isoText(millis(usageHour))}`, problem);
  }
};

const problemWith = (
  stored: readonly string[],
  quantity: string,
  isLate: boolean,
): string | null => {
  const [first] = stored;
  if (first === undefined) {
    return isLate ? 'was recorded, and is not counted: repeat the command that made it' : null;
  }
  if (stored.length > 1) return `is counted ${String(stored.length)} times`;
  return first === quantity ? null : `was recorded as ${quantity}, and ${first} is counted`;
};

/** How far each source is counted on all of its partitions that have begun. */
const watermarkOf = async (client: ClickHouseClient): Promise<ReadonlyMap<string, number>> => {
  const found = new Map<string, number>();
  const rows = storedRows(
    client,
    `SELECT t.topic, t.epoch, min(${millisecond('watermark')}) FROM checkpoints AS t FINAL
     GROUP BY t.topic, t.epoch`,
    {},
  );
  for await (const [topic, epoch, watermark] of rows) {
    found.set(sourceName({ topic: String(topic), epoch: Number(epoch) }), Number(watermark));
  }
  return found;
};

const quantitiesById = async (
  client: ClickHouseClient,
): Promise<ReadonlyMap<string, readonly string[]>> => {
  const found = new Map<string, string[]>();
  const rows = storedRows(
    client,
    `SELECT toString(t.event_id), toString(t.quantity) FROM usage_events AS t FINAL
     WHERE (t.usage_hour, t.event_id) IN (SELECT usage_hour, adjustment_id FROM adjustments)`,
    {},
  );
  for await (const [id, quantity] of rows) {
    const text = String(shortest(quantity));
    const before = found.get(String(id));
    if (before) before.push(text);
    else found.set(String(id), [text]);
  }
  return found;
};
