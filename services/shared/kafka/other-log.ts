import { recordDigest } from '../model/record-mark.ts';
import type { SourcePartition } from '../model/source.ts';
import type { Folded } from './log-recognition.ts';
import type { LogReader } from './log-reader.ts';
import type { LogBounds } from './topics.ts';

/** Why the log is not the log that was counted; null if it is. */
export const otherLog = async (
  reader: LogReader,
  at: SourcePartition,
  { lastRecord, nextOffset }: Folded,
  { low, high }: LogBounds,
): Promise<string | null> => {
  if (high < nextOffset) {
    return `the log ends at offset ${String(high)}, and ${String(nextOffset)} had been reached`;
  }
  if (lastRecord === null || lastRecord.offset < low) return null;
  const { offset, digest } = lastRecord;
  if (offset >= nextOffset) {
    return `last_record is ${String(offset)}, and only records before ${String(nextOffset)} were counted`;
  }
  const found = await reader.recordAt(at, offset);
  if (found && recordDigest(found) === digest) return null;
  return `the record at offset ${String(offset)} is not the one that was counted last`;
};
