import type { UnreadableAt } from '../../shared/kafka/fetched-batch.ts';
import type { TopicPartition } from '../../shared/model/log-record.ts';
import { UnreadableLog, type LogReader } from '../../shared/kafka/log-reader.ts';

/** Records in a log that cannot be read. */
export interface UnreadableSpan {
  readonly batch: UnreadableAt;
  /** The first readable offset after them, or the end of the log. */
  readonly nextOffset: number;
}

/**
 * Reads a log to its end. Returns where it cannot be read, or null if it can.
 * @throws UnreadableLog if the broker refuses, which says nothing about the records
 */
export const findUnreadable = async (
  reader: LogReader,
  at: TopicPartition,
  from: number,
  end: number,
): Promise<UnreadableSpan | null> => {
  const batch = await unreadableAt(() => reader.read(at, from, end, () => Promise.resolve()));
  return batch && { batch, nextOffset: await readableFrom(reader, at, batch, end) };
};

/** Where a task met an unreadable batch; null if it read everything. */
export const unreadableAt = async (read: () => Promise<unknown>): Promise<UnreadableAt | null> => {
  try {
    await read();
    return null;
  } catch (error) {
    if (error instanceof UnreadableLog && error.batch.kind !== 'refused') return error.batch;
    throw error;
  }
};

/**
 * The first readable offset after an unreadable batch. If the batch does not say where it ends, offsets are
 * tried in growing steps, and then between the last two.
 */
export const readableFrom = async (
  reader: LogReader,
  at: TopicPartition,
  batch: UnreadableAt,
  end: number,
): Promise<number> => {
  const tryAt = (offset: number): Promise<UnreadableAt | null> =>
    unreadableAt(() => reader.read(at, offset, end, () => Promise.resolve('enough')));
  let bad = batch;
  let badOffset = batch.from;
  for (let step = 1; ; step *= 2) {
    const isTold = bad.next !== null && bad.next > badOffset;
    const offset = Math.min(end, isTold ? (bad.next ?? end) : badOffset + step);
    const found = offset < end ? await tryAt(offset) : null;
    if (found === null) {
      return isTold ? offset : firstBetween(badOffset, offset, async (o) => !(await tryAt(o)));
    }
    bad = found;
    badOffset = offset;
  }
};

/** The first readable offset between an unreadable and a readable one. */
const firstBetween = async (
  bad: number,
  good: number,
  isReadable: (offset: number) => Promise<boolean>,
): Promise<number> => {
  let [low, high] = [bad, good];
  while (high - low > 1) {
    const middle = Math.floor((low + high) / 2);
    if (await isReadable(middle)) high = middle;
    else low = middle;
  }
  return high;
};
