import { isoText, millis, nextHour, type Hour } from '../../shared/model/time.ts';

/** How far one partition is, by its checkpoint, its log and the clocks. */
export interface PartitionProgress {
  readonly kind: 'live' | 'history';
  readonly hourMillis: number;
  readonly nextOffset: number;
  /** Every hour before it is closed; the first hour of the source before the first checkpoint. */
  readonly openHour: Hour;
  readonly isSealed: boolean;
  /** Milliseconds since its checkpoint, or before the first one its source, was written. */
  readonly quietFor: number;
  /** Null where the topic, or this partition of it, is gone. */
  readonly log: {
    readonly high: number;
    /** Offset of the first record of the last minute, by the broker's clock; `high` where there is none. */
    readonly firstRecent: number;
  } | null;
}

/** Records that are unread for longer are not just about to be read. */
export const PATIENCE_MILLIS = 60_000;
/** How long after its end an hour without usage may take to close. */
const CLOSING_MILLIS = 5 * 60_000;

const LOSSES = 'see "usagectl loss show"';
const READER = 'see whether an aggregator runs, and what its log says';

/**
 * What is wrong with a partition, in words; null where nothing is. It goes by what is stored and by the
 * log, so that it needs no answer of an aggregator: one that is frozen gives none.
 */
export const troubleOf = (progress: PartitionProgress, now: number): string | null => {
  const { kind, hourMillis, nextOffset, openHour, isSealed, quietFor, log } = progress;
  if (isSealed) return null;
  if (log === null) return `its topic is gone: ${LOSSES}`;
  if (nextOffset > log.high) {
    return `its log ends at offset ${String(log.high)}, before what was counted: ${LOSSES}`;
  }
  // The times of history are those of its records: only what is stored tells how long it has waited.
  const due = kind === 'live' ? Math.min(log.high, log.firstRecent) : log.high;
  if (due > nextOffset && quietFor > PATIENCE_MILLIS) {
    return `it stands still: ${String(log.high - nextOffset)} records are unread, some for over a minute; ${READER}`;
  }
  const end = nextHour(openHour, hourMillis);
  return kind === 'live' && now - end > CLOSING_MILLIS
    ? `its hour from ${isoText(openHour)} is over since ${isoText(millis(end))} and not closed; ${READER}`
    : null;
};
