import { batchesWithin, offsetIn, recordAt, type RecordBatch } from '../model/record-batch.ts';
import type { UnreadableAt } from './fetched-batch.ts';
import { describeUnreadable } from './fetch/unreadable-batch.ts';
import { recordDigest, type RecordMark } from '../model/record-mark.ts';
import type { LogBounds } from './topics.ts';
import { fail, succeed, type Failed, type Result } from '../model/result.ts';

/** Why the log that is read now is not the log that was folded, or not all of it. */
export interface LogHalt {
  readonly code:
    | 'another-log' // the log does not hold what was read before
    | 'lost-records' // records expired before they were read
    | 'unreadable'; // a batch of the log cannot be read
  readonly message: string;
}

/** How far a log has been folded. */
export interface Folded {
  readonly nextOffset: number;
  /** The last record folded; null before the first. */
  readonly lastRecord: RecordMark | null;
}

/**
 * Makes sure that a partition's log is still the log that was folded (docs/design.md, "Recognizing the
 * log"). Reading begins at the last record folded, which must be unchanged. Another log must never be taken
 * for progress.
 */
export class LogRecognition {
  private readonly bounds: () => Promise<LogBounds>;
  /** Whether the log has been recognised since reading last restarted. */
  private verified = false;

  constructor(bounds: () => Promise<LogBounds>) {
    this.bounds = bounds;
  }

  get isVerified(): boolean {
    return this.verified;
  }

  /** Where to continue: at the last record folded, or after it if it has expired. */
  async position({ nextOffset, lastRecord }: Folded): Promise<Result<number, LogHalt>> {
    const bounds = await this.bounds();
    const halt = boundsHalt(nextOffset, bounds);
    if (halt) return fail(halt);
    this.verified = lastRecord === null || lastRecord.offset < bounds.low;
    return succeed(this.verified ? nextOffset : (lastRecord?.offset ?? nextOffset));
  }

  /**
   * Drops what has already been folded; the last record folded must be unchanged. Offsets below `next`
   * without a record are transaction markers. Only that one record becomes an object.
   */
  async recognise(
    { nextOffset, lastRecord }: Folded,
    batches: readonly RecordBatch[],
    next = 0,
  ): Promise<Result<readonly RecordBatch[], LogHalt>> {
    const again = lastRecord && recordAt(batches, lastRecord.offset);
    if (lastRecord && again) {
      if (recordDigest(again) !== lastRecord.digest) return otherRecord(lastRecord.offset);
      this.verified = true;
    }
    const fresh = batchesWithin(batches, nextOffset);
    const first = fresh[0] ? offsetIn(fresh[0], 0) : Math.max(next, nextOffset);
    if (fresh.length === 0 && first === nextOffset) return succeed(fresh);
    if (!this.verified || first > nextOffset) {
      const bounds = await this.bounds();
      const halt = boundsHalt(nextOffset, bounds);
      if (halt) return fail(halt);
      if (!this.verified && lastRecord && bounds.low <= lastRecord.offset)
        return otherRecord(lastRecord.offset);
      this.verified = true;
    }
    return succeed(fresh);
  }
}

const boundsHalt = (nextOffset: number, { low, high }: LogBounds): LogHalt | null => {
  if (high < nextOffset) {
    return {
      code: 'another-log',
      message:
        `the log ends at offset ${String(high)} and ${String(nextOffset)} was reached before: the topic was ` +
        're-created or lost records; see docs/operations.md, "A partition has halted"',
    };
  }
  return low > nextOffset ? lostRecords(nextOffset, low) : null;
};

/** The records from `nextOffset` up to `low` are needed, but have expired. */
export const lostRecords = (nextOffset: number, low: number): LogHalt => ({
  code: 'lost-records',
  message:
    `offsets ${String(nextOffset)} to ${String(low - 1)} expired before they were read; ` +
    'see docs/operations.md, "A partition has halted"',
});

/** A batch cannot be read. Reading is retried from time to time: the broker may have recovered it. */
export const unreadable = (batch: UnreadableAt): LogHalt => ({
  code: 'unreadable',
  message: `${describeUnreadable(batch)}; see docs/operations.md, "A batch cannot be read"`,
});

const otherRecord = (offset: number): Failed<LogHalt> =>
  fail({
    code: 'another-log',
    message:
      `the record at offset ${String(offset)} is not the one that was counted: the topic was re-created; ` +
      'see docs/operations.md, "A partition has halted"',
  });
