import { compress, uncompress } from 'lz4-napi';
import { ZSTDDecoder } from 'zstddec';
import { ClickHouseException, CODES } from '../exception.ts';
import { cityHash128 } from './city-hash.ts';

/**
 * ClickHouse's own compression, which JDBC asks for by `compress=1`. A stream is a row of blocks:
 *
 * | bytes | what                                                                  |
 * |-------|-----------------------------------------------------------------------|
 * | 16    | CityHash128 of all that follows                                       |
 * | 1     | the method: 0x82 LZ4, 0x90 ZSTD, 0x02 none                            |
 * | 4     | size of the compressed data and these nine bytes                      |
 * | 4     | size of the data                                                      |
 * | …     | the compressed data                                                   |
 *
 * Source: https://clickhouse.com/docs/native-protocol/compression
 */
const CHECKSUM_BYTES = 16;
const HEAD_BYTES = 9;
const METHODS = { none: 0x02, lz4: 0x82, zstd: 0x90 } as const;

/** As much as one block takes of an answer. The checksum of one holds up all others meanwhile. */
const BLOCK_BYTES = 256 * 1024;
/** ClickHouse's own bound on one block. */
const MAX_BLOCK_BYTES = 1024 * 1024 * 1024;

/** Data compressed by LZ4, without a frame. */
export const compressLz4 = async (data: Buffer): Promise<Buffer> =>
  // The package puts the size of the data in front.
  (await compress(data)).subarray(4);

const block = async (data: Buffer): Promise<Buffer> => {
  const compressed = await compressLz4(data);
  const bytes = Buffer.allocUnsafe(HEAD_BYTES + compressed.length);
  bytes.writeUInt8(METHODS.lz4, 0);
  bytes.writeUInt32LE(bytes.length, 1);
  bytes.writeUInt32LE(data.length, 5);
  compressed.copy(bytes, HEAD_BYTES);
  return Buffer.concat([cityHash128(bytes), bytes]);
};

/** The pieces of an answer as blocks. */
export async function* toBlocks(source: AsyncIterable<Buffer>): AsyncGenerator<Buffer, void> {
  for await (const piece of source) {
    for (let at = 0; at < piece.length; at += BLOCK_BYTES) {
      yield await block(piece.subarray(at, at + BLOCK_BYTES));
    }
  }
}

const broken = (what: string): ClickHouseException =>
  new ClickHouseException(CODES.CANNOT_DECOMPRESS, `Cannot decompress the request: ${what}`);

let zstd: Promise<ZSTDDecoder> | null = null;

const loadZstd = async (): Promise<ZSTDDecoder> => {
  const decoder = new ZSTDDecoder();
  await decoder.init();
  return decoder;
};

const decompressed = async (method: number, data: Buffer, size: number): Promise<Buffer> => {
  switch (method) {
    case METHODS.none:
      return data;
    case METHODS.lz4: {
      // No byte of LZ4 stands for more than 255.
      if (size > data.length * 255) throw broken('a block says that it holds more than it can');
      const head = Buffer.alloc(4);
      head.writeUInt32LE(size);
      return uncompress(Buffer.concat([head, data]));
    }
    case METHODS.zstd:
      zstd ??= loadZstd();
      return Buffer.from((await zstd).decode(data, size));
    default:
      throw new ClickHouseException(
        CODES.UNKNOWN_COMPRESSION_METHOD,
        `Unknown compression method 0x${method.toString(16)}`,
      );
  }
};

const content = async (checksum: Buffer, bytes: Buffer): Promise<Buffer> => {
  if (!cityHash128(bytes).equals(checksum)) {
    throw new ClickHouseException(
      CODES.CHECKSUM_DOESNT_MATCH,
      "Checksum doesn't match: corrupted data",
    );
  }
  const size = bytes.readUInt32LE(5);
  const data = await decompressed(bytes.readUInt8(0), bytes.subarray(HEAD_BYTES), size).catch(
    (error: unknown) => {
      throw error instanceof ClickHouseException ? error : broken(String(error));
    },
  );
  if (data.length !== size) throw broken('a block has another size than it says');
  return data;
};

/** The data of a stream of blocks. @throws ClickHouseException where a block is damaged or cut off */
export async function* fromBlocks(source: AsyncIterable<Buffer>): AsyncGenerator<Buffer, void> {
  let rest: Buffer = Buffer.alloc(0);
  let pieces: Buffer[] = [];
  let missing = CHECKSUM_BYTES + HEAD_BYTES;
  for await (const piece of source) {
    pieces.push(piece);
    missing -= piece.length;
    if (missing > 0) continue;
    rest = Buffer.concat([rest, ...pieces]);
    pieces = [];
    for (;;) {
      missing = CHECKSUM_BYTES + HEAD_BYTES - rest.length;
      if (missing > 0) break;
      const length = rest.readUInt32LE(CHECKSUM_BYTES + 1);
      const size = rest.readUInt32LE(CHECKSUM_BYTES + 5);
      if (length < HEAD_BYTES || length > MAX_BLOCK_BYTES || size > MAX_BLOCK_BYTES) {
        throw broken('a block says that it has a size that none has');
      }
      const end = CHECKSUM_BYTES + length;
      missing = end - rest.length;
      if (missing > 0) break;
      yield await content(rest.subarray(0, CHECKSUM_BYTES), rest.subarray(CHECKSUM_BYTES, end));
      rest = rest.subarray(end);
    }
  }
  if (rest.length + pieces.length > 0) throw broken('it ends within a block');
}
