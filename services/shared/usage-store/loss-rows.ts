import { OF_PARTITION } from '../clickhouse/of-partition.ts';
import { hourFromSeconds, quantityFromText } from '../clickhouse/values.ts';
import { textsOf, type EventTexts } from '../model/event-texts.ts';
import { identityKeys } from '../model/placement.ts';
import { millis } from '../model/time.ts';
import type { AcceptedLoss, Remnant } from '../usage-fold/loss.ts';
import { NAMED_TEXTS } from './tables.ts';

/**
 * The loss that contains an offset, or that ends directly before it. (What was left of its records may be
 * stored while its open hour is not; taking the loss over twice changes nothing.) An epoch that has ended
 * with a loss stays ended.
 */
export const LOSS = `
SELECT toString(l.next_offset) AS next_offset, ended, toUnixTimestamp(l.open_hour) AS open_hour
FROM losses AS l
WHERE ${OF_PARTITION} AND l.from_offset <= {next:UInt64} AND (l.next_offset >= {next:UInt64} OR ({sealed:Bool} AND ended))
ORDER BY ended DESC, l.from_offset, l.next_offset DESC LIMIT 1`;

export interface LossRow {
  readonly next_offset: string;
  readonly ended: boolean;
  readonly open_hour: number;
}

export const lossFromRow = (row: LossRow): AcceptedLoss => ({
  nextOffset: Number(row.next_offset),
  ended: row.ended,
  openHour: hourFromSeconds(row.open_hour),
});

export const LOST_EVENTS = `
SELECT toString(e.offset) AS offset, toString(toUnixTimestamp64Milli(e.reported_time)) AS reported_time,
  toUnixTimestamp(e.usage_hour) AS usage_hour, toString(e.quantity) AS quantity, ${NAMED_TEXTS}
FROM usage_events AS e FINAL
WHERE ${OF_PARTITION} AND e.offset >= {from:UInt64} AND e.offset < {to:UInt64}`;

export interface LostEventRow extends EventTexts {
  readonly offset: string;
  readonly reported_time: string;
  readonly usage_hour: number;
  readonly quantity: string;
}

export const LOST_LETTERS = `
SELECT toString(d.offset) AS offset, toString(toUnixTimestamp64Milli(d.reported_time)) AS reported_time
FROM dead_letters AS d FINAL
WHERE ${OF_PARTITION} AND d.offset >= {from:UInt64} AND d.offset < {to:UInt64}`;

export type LostLetterRow = Pick<LostEventRow, 'offset' | 'reported_time'>;

export const remnantsFromRows = (
  accepted: readonly LostEventRow[],
  letters: readonly LostLetterRow[],
): readonly Remnant[] =>
  [
    ...accepted.map((row): Remnant => ({ kind: 'accepted', ...placeInLog(row), ...eventOf(row) })),
    ...letters.map((row): Remnant => ({ kind: 'dead-lettered', ...placeInLog(row) })),
  ].sort((a, b) => a.offset - b.offset);

const placeInLog = (row: LostLetterRow): Pick<Remnant, 'offset' | 'reportedTime'> => ({
  offset: Number(row.offset),
  reportedTime: millis(Number(row.reported_time)),
});

const eventOf = (row: LostEventRow) => ({
  event: { usageHour: hourFromSeconds(row.usage_hour), ...identityKeys(row), ...textsOf(row) },
  quantity: quantityFromText(row.quantity),
});
