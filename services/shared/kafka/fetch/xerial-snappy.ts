const MAGIC = Buffer.from([0x82, ...Buffer.from('SNAPPY'), 0x00]);
/** The magic, a version and the oldest version that can read it. */
const HEADER_BYTES = 16;

/**
 * The blocks of Snappy data. Java clients write the framing of snappy-java: a header, then length-prefixed
 * blocks. Other clients write one block without framing.
 * @throws if a length points beyond the data
 */
export const snappyBlocks = (bytes: Buffer): readonly Buffer[] => {
  if (!bytes.subarray(0, MAGIC.length).equals(MAGIC)) return [bytes];
  const blocks: Buffer[] = [];
  let at = HEADER_BYTES;
  while (at < bytes.length) {
    const length = bytes.readInt32BE(at);
    at += 4;
    if (length < 0 || at + length > bytes.length) throw new Error('a block is cut short');
    blocks.push(bytes.subarray(at, at + length));
    at += length;
  }
  return blocks;
};

/** The decompressed length that a block claims: seven bits a byte, the lowest first. */
export const snappyLength = (block: Buffer): number => {
  let length = 0;
  for (let at = 0; at < 5; at++) {
    const byte = block[at];
    if (byte === undefined) break;
    length += (byte & 0x7f) * 2 ** (7 * at);
    if (byte < 0x80) return length;
  }
  throw new Error('a block does not say how long it is');
};
