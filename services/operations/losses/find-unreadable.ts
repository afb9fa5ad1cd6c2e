import type { UnreadableAt } from '../../shared/kafka/fetched-batch.ts';
import type { TopicPartition } from '../../shared/model/log-record.ts';
import { UnreadableLog, type LogReader } from '../../shared/kafka/log-reader.ts';

/** Records that are in a log and cannot be read. */
export interface UnreadableSpan {
  readonly batch: UnreadableAt;
  /** The first offset behind them that can be read, or the end of the log. */
  readonly nextOffset: number;
}

/**
 * Reads a log to its end, and tells where it cannot be read further; null where it can.
 * @throws UnreadableLog where the broker refuses, which says nothing about the records
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

/** What cannot be read of it; null where a task reads all that it wants. */
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
 * The first offset behind an unreadable batch that can be read. Where a batch does not tell where it
 * ends, offsets are tried, in steps that grow, and then between the last two.
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

/** The first offset that can be read, of those behind one that cannot be and up to one that can. */
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
