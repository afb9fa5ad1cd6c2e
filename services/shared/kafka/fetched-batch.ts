import type { Batch, KafkaMessage } from 'kafkajs';
import type { LogRecord } from '../model/log-record.ts';
import { millis } from '../model/time.ts';
import type { UnreadableMark } from './fetch/fetch-response.ts';
import type { FetchedRecord } from './fetch/record.ts';
import type { UnreadableBatch } from './fetch/unreadable-batch.ts';

/** Where a partition cannot be read on. */
export type UnreadableAt = UnreadableBatch & { readonly from: number };

/** What kafkajs keeps in a batch, and not in its types. */
interface BatchInside {
  /** The offset that it asked for. */
  readonly fetchedOffset: string;
  /** Markers of transactions, and what was aborted, are among them. */
  readonly rawMessages: readonly KafkaMessage[];
}

/** The offset that a batch was fetched from. */
export const fetchedFrom = (batch: Batch): number =>
  Number((batch as unknown as BatchInside).fetchedOffset);

/** What a batch comes to, and where it cannot be read on. */
export interface ReadBatch {
  readonly records: readonly LogRecord[];
  /** The offset behind it. */
  readonly next: number;
  /** Whether it holds anything that can be read. */
  readonly isAhead: boolean;
  readonly unreadable: UnreadableAt | null;
}

const isMark = (message: object | undefined): message is UnreadableMark =>
  message !== undefined && 'unreadable' in message;

/** Reads a batch that was fetched from an offset. */
export const readBatch = (batch: Batch, from: number): ReadBatch => {
  const raw = (batch as unknown as BatchInside).rawMessages;
  const records = batch.messages.filter((message) => !isMark(message)).map(toLogRecord);
  const begin = firstOffsetOf(raw[0]);
  if (begin !== null && begin > from) {
    // No offset is left out of a log that is not compacted.
    const problem = 'the log does not hold them';
    const unreadable = { kind: 'missing', problem, from, next: begin } as const;
    return { records: [], next: from, isAhead: false, unreadable };
  }
  const mark = raw.at(-1);
  if (!isMark(mark)) {
    return { records, next: Number(batch.lastOffset()) + 1, isAhead: true, unreadable: null };
  }
  if (from >= mark.end) return { records: [], next: from, isAhead: false, unreadable: null };
  const read = raw.at(-2);
  const next = Math.max(from, mark.unreadable.from ?? (read ? Number(read.offset) + 1 : from));
  return {
    records,
    next,
    isAhead: next > from,
    unreadable: { ...mark.unreadable, from: next },
  };
};

/** The first offset of the batch that a record stands in; null for what marks an unreadable one. */
const firstOffsetOf = (message: KafkaMessage | undefined): number | null => {
  const inside = message as Partial<FetchedRecord> | undefined;
  return inside?.batchContext && !isMark(inside) ? inside.batchContext.firstOffset : null;
};

const toLogRecord = (message: KafkaMessage): LogRecord => ({
  offset: Number(message.offset),
  timestamp: millis(Number(message.timestamp)),
  key: message.key,
  value: message.value,
  headers: Object.fromEntries(
    Object.entries(message.headers ?? {}).map(([name, value]) => [name, String(value ?? '')]),
  ),
});
