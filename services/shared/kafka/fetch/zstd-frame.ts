import { ZSTDDecoder } from 'zstddec';

/** See RFC 8878. */
const MAGIC = 0xfd2fb528;

const CONTENT_SIZE_BYTES = [0, 2, 4, 8] as const;
const DICTIONARY_BYTES = [0, 1, 2, 4] as const;

const HAS_CHECKSUM = 0x04;
const LARGEST_BLOCK = 128 * 1024;

const decoder = new ZSTDDecoder();

/** Resolves when `unzstd` may be called: the library is WebAssembly and must be compiled first. */
export const zstdReady = (): Promise<void> => decoder.init();

/** What the headers of a frame say. */
interface Frame {
  /** The most bytes that the frame can decompress to. */
  readonly largest: number;
  /** The bytes that the frame decompresses to; null if it does not say. */
  readonly content: number | null;
  /** Where it ends. */
  readonly end: number;
}

/** Reads the headers of a frame and of its blocks without decompressing anything. */
const frameOf = (bytes: Buffer): Frame => {
  if (bytes.readUInt32LE(0) !== MAGIC) throw new Error('it does not begin as a frame');
  const descriptor = bytes.readUInt8(4);
  const isSingleSegment = (descriptor & 0x20) !== 0;
  let at = isSingleSegment ? 5 : 6;
  at += DICTIONARY_BYTES[(descriptor & 0b11) as 0 | 1 | 2 | 3];
  const sizeBytes =
    CONTENT_SIZE_BYTES[(descriptor >> 6) as 0 | 1 | 2 | 3] || (isSingleSegment ? 1 : 0);
  const content = sizeBytes === 0 ? null : contentSize(bytes, at, sizeBytes);
  at += sizeBytes;
  for (let largest = 0; ;) {
    const header = bytes.readUIntLE(at, 3);
    const size = header >> 3;
    const kind = BLOCKS[(header >> 1) & 0b11];
    if (kind === undefined) throw new Error('it has a block of an unknown kind');
    largest += kind === 'compressed' ? LARGEST_BLOCK : size;
    at += 3 + (kind === 'run' ? 1 : size);
    if (header & 1) {
      return { largest, content, end: at + (descriptor & HAS_CHECKSUM ? 4 : 0) };
    }
  }
};

const BLOCKS = ['raw', 'run', 'compressed'] as const;

const contentSize = (bytes: Buffer, at: number, size: 1 | 2 | 4 | 8): number => {
  if (size === 8) return Number(bytes.readBigUInt64LE(at));
  return bytes.readUIntLE(at, size) + (size === 2 ? 256 : 0);
};

/**
 * Decompresses a Zstandard frame, whether or not it states its length. Returns null if it exceeds the
 * limit.
 * @throws if it is damaged
 */
export const unzstd = (bytes: Buffer, limit: number): Buffer | null => {
  const { largest, content, end } = frameOf(bytes);
  if (end !== bytes.length) throw new Error('it is not one frame');
  const room = content ?? largest;
  if (room > limit) return null;
  if (room === 0) return Buffer.alloc(0);
  // The decoder returns nothing if the frame is damaged, or holds more than fits.
  const given = decoder.decode(bytes, room);
  if (given.length === 0 || (content !== null && given.length !== content)) {
    throw new Error('it cannot be decompressed');
  }
  return Buffer.from(given.buffer, given.byteOffset, given.length);
};
