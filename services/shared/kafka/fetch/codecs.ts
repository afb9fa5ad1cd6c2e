import { gunzipSync } from 'node:zlib';
import lz4 from 'lz4-napi';
import snappy from 'snappy';
import { messageOf } from '../../process/errors.ts';
import { largestLz4Content } from './lz4-frame.ts';
import type { Trouble } from './unreadable-batch.ts';
import { snappyBlocks, snappyLength } from './xerial-snappy.ts';
import { unzstd, zstdReady } from './zstd-frame.ts';
import { fail, succeed, type Result } from '../../model/result.ts';

/** The lowest three bits of a batch's attributes name the codec that compressed its records. */
export const CODEC_MASK = 0b111;

/** Resolves when all codecs are ready. */
export const codecsReady = zstdReady;

const NAMES = ['none', 'gzip', 'snappy', 'lz4', 'zstd'] as const;

/**
 * Decompresses the records of a batch. Records that would take more than `limit` bytes are not
 * decompressed, because a small batch may decompress to a very large one, or claim to.
 */
export const decompress = (
  codec: number,
  bytes: Buffer,
  limit: number,
): Result<Buffer, Trouble> => {
  const name = NAMES[codec];
  if (name === undefined) {
    return fail({
      kind: 'codec',
      problem: `the batch is compressed by codec ${String(codec)}, which Kafka does not have`,
    });
  }
  try {
    const decompressed = codecs[name](bytes, limit);
    return decompressed === null ? fail(tooLarge(limit)) : succeed(decompressed);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ERR_BUFFER_TOO_LARGE') {
      return fail(tooLarge(limit));
    }
    return fail({
      kind: 'damaged',
      problem: `the batch is damaged: it holds no ${name} data (${messageOf(error)})`,
    });
  }
};

export const tooLarge = (limit: number): Trouble => ({
  kind: 'too-large',
  problem:
    `the batch takes more than ${String(limit / 1024 / 1024)} MiB of memory: ` +
    'raise KAFKA_MAX_BATCH_MIB where there is room for it',
});

/** Each codec throws if the data is damaged, and returns null if the result would exceed the limit. */
const codecs: Readonly<
  Record<(typeof NAMES)[number], (bytes: Buffer, limit: number) => Buffer | null>
> = {
  none: (bytes) => bytes,
  gzip: (bytes, limit) => gunzipSync(bytes, { maxOutputLength: limit }),
  snappy: (bytes, limit) => {
    const blocks = snappyBlocks(bytes);
    const length = blocks.reduce((sum, block) => sum + snappyLength(block), 0);
    if (length > limit) return null;
    return Buffer.concat(blocks.map((block) => snappy.uncompressSync(block) as Buffer));
  },
  lz4: (bytes, limit) => (largestLz4Content(bytes) > limit ? null : lz4.decompressFrameSync(bytes)),
  zstd: unzstd,
};
