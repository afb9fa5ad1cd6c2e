import { isoText, millis, nextHour, type Hour } from '../../shared/model/time.ts';

/** The progress of one partition, by its checkpoint, its log and the clocks. */
export interface PartitionProgress {
  readonly kind: 'live' | 'history';
  readonly hourMillis: number;
  readonly nextOffset: number;
  /** Every hour before it is closed. Before the first checkpoint, the source's first hour. */
  readonly openHour: Hour;
  readonly isSealed: boolean;
  /** Milliseconds since its checkpoint was written or, before the first checkpoint, its source. */
  readonly quietFor: number;
  /** Null if the topic, or this partition of it, is gone. */
  readonly log: {
    readonly high: number;
    /**
     * The offset of the first record of the last minute, by the broker's clock; `high` if there is none.
     */
    readonly firstRecent: number;
  } | null;
}

/** Records that have been unread for longer than this are not just about to be read. */
export const PATIENCE_MILLIS = 60_000;
/** How long an hour without usage may take to close after its end. */
const CLOSING_MILLIS = 5 * 60_000;

const LOSSES = 'see "usagectl loss show"';
const READER = 'check that an aggregator runs, and read its log';

/**
 * What is wrong with a partition, in words; null if nothing is. It is judged by stored rows and the log,
 * because a frozen aggregator gives no answer.
 */
export const troubleOf = (progress: PartitionProgress, now: number): string | null => {
  const { kind, hourMillis, nextOffset, openHour, isSealed, quietFor, log } = progress;
  if (isSealed) return null;
  if (log === null) return `its topic is gone: ${LOSSES}`;
  if (nextOffset > log.high) {
    return `its log ends at offset ${String(log.high)}, before what was counted: ${LOSSES}`;
  }
  // History has the times of its records, so only stored rows tell how long it has waited.
  const due = kind === 'live' ? Math.min(log.high, log.firstRecent) : log.high;
  if (due > nextOffset && quietFor > PATIENCE_MILLIS) {
    return `it is stuck: ${String(log.high - nextOffset)} records are unread, some for over a minute; ${READER}`;
  }
  const end = nextHour(openHour, hourMillis);
  return kind === 'live' && now - end > CLOSING_MILLIS
    ? `its hour from ${isoText(openHour)} ended at ${isoText(millis(end))} and is not closed; ${READER}`
    : null;
};
