import { open, type FileHandle } from 'node:fs/promises';
import { join } from 'node:path';
import type { TopicPartition } from '../../../services/shared/model/log-record.ts';

/** The file in which the broker of the tests keeps the first records of a partition. */
const segmentOf = ({ topic, partition }: TopicPartition): string =>
  join(
    process.env['KAFKA_LOG_DIR'] ?? '',
    `${topic}-${String(partition)}`,
    '00000000000000000000.log',
  );

/** The batch that holds an offset, and where it stands in the file. */
const find = async (
  file: FileHandle,
  offset: number,
): Promise<{ readonly at: number; readonly batch: Buffer }> => {
  const { size } = await file.stat();
  const bytes = Buffer.alloc(size);
  await file.read(bytes, 0, size, 0);
  for (let at = 0; at < size;) {
    const end = at + 12 + bytes.readInt32BE(at + 8);
    const first = Number(bytes.readBigInt64BE(at));
    if (offset >= first && offset <= first + bytes.readInt32BE(at + 23)) {
      return { at, batch: bytes.subarray(at, end) };
    }
    at = end;
  }
  throw new Error(`no batch holds offset ${String(offset)}`);
};

/**
 * Does to a batch on the broker's disk what a disk may do to it: brokers check batches when they come,
 * and never again.
 */
export const changeBatch = async (
  place: TopicPartition,
  offset: number,
  change: (batch: Buffer) => void,
): Promise<void> => {
  const file = await open(segmentOf(place), 'r+');
  try {
    const { at, batch } = await find(file, offset);
    change(batch);
    await file.write(batch, 0, batch.length, at);
  } finally {
    await file.close();
  }
};
