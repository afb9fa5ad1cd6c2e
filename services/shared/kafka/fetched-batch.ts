import type { Batch } from 'kafkajs';
import { batchesWithin, type RecordBatch } from '../model/record-batch.ts';
import type { FetchedMessage, UnreadableMark } from './fetch/fetch-response.ts';
import type { UnreadableBatch } from './fetch/unreadable-batch.ts';

/** Where a partition cannot be read further. */
export type UnreadableAt = UnreadableBatch & { readonly from: number };

/** What kafkajs keeps in a batch but not in its types. One batch of kafkajs holds several of ours. */
interface BatchInside {
  /** The offset that kafkajs asked for. */
  readonly fetchedOffset: string;
  readonly rawMessages: readonly FetchedMessage[];
}

const insideOf = (batch: Batch): BatchInside => batch as unknown as BatchInside;

/** The offset that a batch was fetched from. */
export const fetchedFrom = (batch: Batch): number => Number(insideOf(batch).fetchedOffset);

/** The content of a batch of kafkajs, and where it cannot be read further. */
export interface ReadBatch {
  /** What a reader should get, from the requested offset on. No batch is empty. */
  readonly batches: readonly RecordBatch[];
  /** The offset after the last one. */
  readonly next: number;
  /** Whether it holds anything readable from the requested offset on. */
  readonly isAhead: boolean;
  readonly unreadable: UnreadableAt | null;
}

const isMark = (message: FetchedMessage): message is UnreadableMark => 'unreadable' in message;

/**
 * Reads a batch that was fetched from an offset. A broker sends complete batches, so the first one may
 * begin before that offset: the records below it are left out.
 */
export const readBatch = (batch: Batch, from: number): ReadBatch => {
  const raw = insideOf(batch).rawMessages;
  const read = raw.flatMap((message) => (isMark(message) ? [] : [message.batch]));
  const [first, last] = [read[0], read.at(-1)];
  if (first && first.firstOffset > from) {
    // A log that is not compacted has no gaps.
    const problem = 'the log does not hold them';
    const unreadable = { kind: 'missing', problem, from, next: first.firstOffset } as const;
    return { batches: [], next: from, isAhead: false, unreadable };
  }
  const batches = batchesWithin(read, from);
  const behind = Math.max(from, last ? last.lastOffset + 1 : from);
  const mark = raw.find(isMark);
  if (!mark) return { batches, next: behind, isAhead: true, unreadable: null };
  if (from >= mark.end) return { batches: [], next: from, isAhead: false, unreadable: null };
  const next = Math.max(from, mark.unreadable.from ?? behind);
  return { batches, next, isAhead: next > from, unreadable: { ...mark.unreadable, from: next } };
};
