import { crc32c } from '@node-rs/crc32';

/**
 * The bytes of a segment, all numbers big-endian. First its header:
 *
 *     8   "usgspool"
 *     4   format version
 *     4   CRC-32C of the 12 bytes before
 *
 * Then frames, one for each record:
 *
 *     4   CRC-32C of the 18 bytes that follow
 *     6   number of the record: 1 more than that of the record before it
 *     4   bytes of the key (UTF-8)
 *     4   bytes of the value
 *     4   CRC-32C of key and value
 *     …   key, value
 *
 * A frame's header has a checksum of its own, so its lengths can be trusted. A file that ends inside a frame was
 * torn by a kill; one that does not match its checksum is damaged. The two are never mixed up.
 */
export const FORMAT_VERSION = 1;

const MAGIC = Buffer.from('usgspool');
export const SEGMENT_HEADER_BYTES = 16;
const CHECKED_HEADER_BYTES = 12;

const FRAME_HEADER_BYTES = 22;
const NUMBER = 4;
const KEY_LENGTH = 10;
const VALUE_LENGTH = 14;
const BODY_CHECKSUM = 18;
const NUMBER_BYTES = 6;

export interface SpooledRecord {
  readonly key: string;
  readonly value: Uint8Array;
}

export interface NumberedRecord extends SpooledRecord {
  readonly number: number;
  /** What it takes in its segment. */
  readonly frameBytes: number;
}

export const segmentHeader = (): Buffer => {
  const bytes = Buffer.alloc(SEGMENT_HEADER_BYTES);
  MAGIC.copy(bytes);
  bytes.writeUInt32BE(FORMAT_VERSION, MAGIC.length);
  bytes.writeUInt32BE(crc32c(bytes.subarray(0, CHECKED_HEADER_BYTES)), CHECKED_HEADER_BYTES);
  return bytes;
};

/** The format version that a segment says of itself; null if it has no whole header. */
export const versionOf = (bytes: Buffer): number | null => {
  if (bytes.length < SEGMENT_HEADER_BYTES) return null;
  const isWhole =
    bytes.subarray(0, MAGIC.length).equals(MAGIC) &&
    bytes.readUInt32BE(CHECKED_HEADER_BYTES) === crc32c(bytes.subarray(0, CHECKED_HEADER_BYTES));
  return isWhole ? bytes.readUInt32BE(MAGIC.length) : null;
};

export const frameSize = ({ key, value }: SpooledRecord): number =>
  FRAME_HEADER_BYTES + Buffer.byteLength(key) + value.length;

/** Records as consecutive frames. */
export const encodeFrames = (records: readonly SpooledRecord[], firstNumber: number): Buffer => {
  const bytes = Buffer.allocUnsafe(records.reduce((sum, record) => sum + frameSize(record), 0));
  let at = 0;
  records.forEach((record, index) => {
    at = writeFrame(bytes, at, record, firstNumber + index);
  });
  return bytes;
};

const writeFrame = (
  bytes: Buffer,
  at: number,
  { key, value }: SpooledRecord,
  number: number,
): number => {
  const body = at + FRAME_HEADER_BYTES;
  const keyBytes = bytes.write(key, body);
  bytes.set(value, body + keyBytes);
  const end = body + keyBytes + value.length;
  bytes.writeUIntBE(number, at + NUMBER, NUMBER_BYTES);
  bytes.writeUInt32BE(keyBytes, at + KEY_LENGTH);
  bytes.writeUInt32BE(value.length, at + VALUE_LENGTH);
  bytes.writeUInt32BE(crc32c(bytes.subarray(body, end)), at + BODY_CHECKSUM);
  bytes.writeUInt32BE(crc32c(bytes.subarray(at + NUMBER, body)), at);
  return end;
};

/** What stands at a place in a segment. */
export type Found =
  | { readonly kind: 'record'; readonly record: NumberedRecord; readonly end: number }
  /** Its header is whole, and the bytes end before the frame does. */
  | { readonly kind: 'cut-off' }
  /** The bytes end before a header could. */
  | { readonly kind: 'too-short' }
  /** Its header is whole, its key or value is not. */
  | { readonly kind: 'damaged-body'; readonly number: number; readonly end: number }
  | { readonly kind: 'no-frame' };

const NO_FRAME: Found = { kind: 'no-frame' };

/** Looks for a frame with this number or a higher one. */
export const frameAt = (bytes: Buffer, at: number, leastNumber: number): Found => {
  const body = at + FRAME_HEADER_BYTES;
  if (body > bytes.length) return { kind: 'too-short' };
  const number = bytes.readUIntBE(at + NUMBER, NUMBER_BYTES);
  // A frame takes at least its header, so numbers grow no faster. This check is cheap, and refuses nearly all chance finds.
  if (number < leastNumber || number - leastNumber > bytes.length) return NO_FRAME;
  if (bytes.readUInt32BE(at) !== crc32c(bytes.subarray(at + NUMBER, body))) return NO_FRAME;
  const keyEnd = body + bytes.readUInt32BE(at + KEY_LENGTH);
  const end = keyEnd + bytes.readUInt32BE(at + VALUE_LENGTH);
  if (end > bytes.length) return { kind: 'cut-off' };
  const isWhole = bytes.readUInt32BE(at + BODY_CHECKSUM) === crc32c(bytes.subarray(body, end));
  if (!isWhole) return { kind: 'damaged-body', number, end };
  const key = bytes.toString('utf8', body, keyEnd);
  const value = bytes.subarray(keyEnd, end);
  return { kind: 'record', record: { key, value, number, frameBytes: end - at }, end };
};
