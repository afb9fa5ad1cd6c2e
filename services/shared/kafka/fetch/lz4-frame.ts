/** See the LZ4 frame format, https://github.com/lz4/lz4/blob/dev/doc/lz4_Frame_format.md. */
const MAGIC = 0x184d2204;

const HAS_BLOCK_CHECKSUM = 0x10;
const HAS_CONTENT_SIZE = 0x08;
const HAS_DICTIONARY = 0x01;
const IS_UNCOMPRESSED = 0x80000000;

/** One byte extends a match by at most 255 bytes. */
const LARGEST_RATIO = 255;

/**
 * The most bytes that an LZ4 frame can decompress to, computed from the sizes of its blocks without
 * decompressing them.
 * @throws if it is not such a frame, or is cut short
 */
export const largestLz4Content = (bytes: Buffer): number => {
  if (bytes.readUInt32LE(0) !== MAGIC) throw new Error('it does not begin as a frame');
  const flags = bytes.readUInt8(4);
  const sizeCode = (bytes.readUInt8(5) >> 4) & 0b111;
  if (sizeCode < 4) throw new Error(`its block size is of unknown kind ${String(sizeCode)}`);
  const blockBytes = 2 ** (8 + 2 * sizeCode);
  let at = 6;
  let claimed = 0;
  if (flags & HAS_CONTENT_SIZE) {
    claimed = Number(bytes.readBigUInt64LE(at));
    at += 8;
  }
  if (flags & HAS_DICTIONARY) at += 4;
  at++; // the header's checksum
  let largest = 0;
  for (;;) {
    const size = bytes.readUInt32LE(at);
    at += 4;
    if (size === 0) return Math.max(claimed, largest);
    const stored = size % IS_UNCOMPRESSED;
    largest += size >= IS_UNCOMPRESSED ? stored : Math.min(blockBytes, stored * LARGEST_RATIO);
    at += stored + (flags & HAS_BLOCK_CHECKSUM ? 4 : 0);
  }
};
