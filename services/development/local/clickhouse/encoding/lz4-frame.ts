import { compressLz4 } from './blocks.ts';

/*
 * An LZ4 frame of independent blocks of up to 4 MiB, without checksums, of unknown size. The last
 * byte of its head is a checksum of the two before it.
 * Source: https://github.com/lz4/lz4/blob/dev/doc/lz4_Frame_format.md
 */
const HEAD = Buffer.from([0x04, 0x22, 0x4d, 0x18, 0x60, 0x70, 0x73]);
const BLOCK_BYTES = 4 * 1024 * 1024;
/** Of a block's size: its data are stored as they are. */
const STORED = 0x80000000;

const block = async (data: Buffer): Promise<Buffer> => {
  const compressed = await compressLz4(data);
  const isSmaller = compressed.length < data.length;
  const size = Buffer.alloc(4);
  size.writeUInt32LE(isSmaller ? compressed.length : STORED + data.length);
  return Buffer.concat([size, isSmaller ? compressed : data]);
};

/** The pieces of an answer as one LZ4 frame: `Content-Encoding: lz4`. */
export async function* toLz4Frame(source: AsyncIterable<Buffer>): AsyncGenerator<Buffer, void> {
  yield HEAD;
  for await (const piece of source) {
    for (let at = 0; at < piece.length; at += BLOCK_BYTES) {
      yield await block(piece.subarray(at, at + BLOCK_BYTES));
    }
  }
  yield Buffer.alloc(4);
}
