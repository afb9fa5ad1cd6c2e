import { hourFromSeconds, quantityFromText } from '../clickhouse/values.ts';
import type { SourcePartition } from '../model/source.ts';
import { dayOf, millis, type Hour } from '../model/time.ts';
import type { Checkpoint } from '../usage-fold/chunk.ts';
import type { DeadLetter } from '../usage-fold/fold.ts';
import type { Window } from '../usage-fold/window.ts';
import type { Place } from '../usage-fold/place.ts';
import { NAMED_TEXTS } from './tables.ts';

/**
 * Rows as ClickHouse reads and writes them in JSON: DateTime in seconds, DateTime64(3) in milliseconds,
 * decimals and 64-bit integers as text.
 */
const seconds = (hour: Hour): number => hour / 1000;

const placeColumns = ({ topic, epoch, partition }: SourcePartition): SourcePartition => ({
  topic,
  epoch,
  partition,
});

/** Columns of `usage_hourly AS h` that `windowFromRow` reads, in SQL. */
export const WINDOW_COLUMNS = `toUnixTimestamp(h.usage_hour) AS "usageHour",
  subscription_key AS "subscriptionKey", meter_key AS "meterKey", resource_key AS "resourceKey",
  ${NAMED_TEXTS}, toString(h.quantity) AS quantity, toString(event_count) AS "eventCount",
  toString(first_offset) AS "firstOffset", toString(last_offset) AS "lastOffset"`;

type Numbers = 'eventCount' | 'firstOffset' | 'lastOffset';

export interface WindowRow extends Omit<Window, 'usageHour' | 'quantity' | Numbers> {
  readonly usageHour: number;
  readonly quantity: string;
  readonly eventCount: string;
  readonly firstOffset: string;
  readonly lastOffset: string;
}

export const windowFromRow = (row: WindowRow): Window => ({
  ...row,
  usageHour: hourFromSeconds(row.usageHour),
  quantity: quantityFromText(row.quantity),
  eventCount: Number(row.eventCount),
  firstOffset: Number(row.firstOffset),
  lastOffset: Number(row.lastOffset),
});

export const deadLetterRow = (
  place: Place,
  letter: DeadLetter,
): Readonly<Record<string, unknown>> => ({
  ...placeColumns(place),
  offset: letter.record.offset,
  code: letter.code,
  message: letter.message,
  reported_time: letter.reportedTime,
  record_timestamp: String(letter.record.timestamp),
  record_key_base64: letter.record.key?.toString('base64') ?? null,
  record_value_base64: letter.record.value?.toString('base64') ?? null,
  record_headers: JSON.stringify(letter.record.headers),
});

export const checkpointRow = (checkpoint: Checkpoint): Record<string, unknown> => ({
  ...placeColumns(checkpoint),
  first_offset: checkpoint.firstOffset,
  next_offset: checkpoint.nextOffset,
  watermark: checkpoint.watermark,
  open_hour: seconds(checkpoint.openHour),
  sealed: checkpoint.sealed,
  floor: checkpoint.floor,
  accepted: checkpoint.counts.accepted,
  duplicate: checkpoint.counts.duplicate,
  dead_lettered: checkpoint.counts.deadLettered,
  control: checkpoint.counts.control,
  lost: checkpoint.counts.lost,
  last_record: checkpoint.lastRecord?.offset ?? null,
  digest: checkpoint.lastRecord?.digest ?? '',
  rules: checkpoint.rules ?? '',
});

/** Columns of `checkpoints` that `checkpointFromRow` reads, in SQL. */
export const CHECKPOINT_COLUMNS = `topic, epoch, partition, toString(first_offset) AS first_offset,
  toString(next_offset) AS next_offset, toString(toUnixTimestamp64Milli(watermark)) AS watermark,
  toUnixTimestamp(open_hour) AS open_hour, sealed,
  toString(toUnixTimestamp64Milli(floor)) AS floor, toString(accepted) AS accepted,
  toString(duplicate) AS duplicate, toString(dead_lettered) AS dead_lettered,
  toString(control) AS control, toString(lost) AS lost, toString(last_record) AS last_record, digest, rules`;

export interface CheckpointRow extends SourcePartition {
  readonly first_offset: string;
  readonly next_offset: string;
  readonly watermark: string;
  readonly open_hour: number;
  readonly sealed: boolean;
  readonly floor: string | null;
  readonly accepted: string;
  readonly duplicate: string;
  readonly dead_lettered: string;
  readonly control: string;
  readonly lost: string;
  readonly last_record: string | null;
  readonly digest: string;
  readonly rules: string;
}

export const checkpointFromRow = (row: CheckpointRow): Checkpoint => ({
  ...placeColumns(row),
  firstOffset: Number(row.first_offset),
  nextOffset: Number(row.next_offset),
  watermark: millis(Number(row.watermark)),
  openHour: hourFromSeconds(row.open_hour),
  sealed: row.sealed,
  floor: row.floor === null ? null : millis(Number(row.floor)),
  counts: {
    accepted: Number(row.accepted),
    duplicate: Number(row.duplicate),
    deadLettered: Number(row.dead_lettered),
    control: Number(row.control),
    lost: Number(row.lost),
  },
  lastRecord:
    row.last_record === null ? null : { offset: Number(row.last_record), digest: row.digest },
  rules: row.rules === '' ? null : row.rules,
});

/** Parameters of `ROLL_UP_DAYS`, in seconds. */
export const daysOf = (
  place: Place,
  first: Hour,
  last: Hour,
): { from: number; first: number; last: number; daySeconds: number } => {
  const { hourMillis } = place.source;
  return {
    from: dayOf(first, hourMillis) / 1000,
    first: seconds(first),
    last: seconds(last),
    // 24 of the source's hours.
    daySeconds: (hourMillis * 24) / 1000,
  };
};
