import { recordDigest } from '../../shared/model/record-mark.ts';
import type { SourcePartition } from '../../shared/model/source.ts';
import type { StoredCheckpoint } from './checkpoints.ts';
import type { LogReader } from '../../shared/kafka/log-reader.ts';

/** Why the log is not the log that was counted; null if it is. */
export const otherLog = async (
  reader: LogReader,
  at: SourcePartition,
  { lastRecord, nextOffset, digest }: StoredCheckpoint,
  { low, high }: { readonly low: number; readonly high: number },
): Promise<string | null> => {
  if (high < nextOffset) {
    return `the log ends at offset ${String(high)}, and ${String(nextOffset)} had been reached`;
  }
  if (lastRecord === null || lastRecord < low) return null;
  if (lastRecord >= nextOffset) {
    return `last_record is ${String(lastRecord)}, and only records before ${String(nextOffset)} were counted`;
  }
  const found = await reader.recordAt(at, lastRecord);
  if (found && recordDigest(found) === digest) return null;
  return `the record at offset ${String(lastRecord)} is not the one that was counted last`;
};
