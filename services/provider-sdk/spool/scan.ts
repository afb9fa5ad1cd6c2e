import { frameAt, type Found, type NumberedRecord } from './frame.ts';

/** Bytes that hold no record that can be read. `to` is exclusive. */
interface Unreadable {
  readonly from: number;
  readonly to: number;
}

export interface Scanned {
  /** Every record that can be read, with growing numbers. */
  readonly records: readonly NumberedRecord[];
  /** Where the last of them ends. */
  readonly recordsEnd: number;
  readonly unreadable: readonly Unreadable[];
  /** Where a frame begins that the bytes end in; null if they end with a whole one. */
  readonly tornAt: number | null;
  /** The number after the highest one that is known to have been there, readable or not. */
  readonly nextNumber: number;
}

/**
 * Reads frames from a place on to the end of the bytes, and goes on behind what cannot be read.
 *
 * | What is there                                              | Then                                        |
 * | ---------------------------------------------------------- | ------------------------------------------- |
 * | a whole frame                                              | a record                                    |
 * | a frame's header, and the bytes end before the frame does  | torn                                        |
 * | fewer bytes than a frame's header, or zeros up to the end  | torn                                        |
 * | a frame whose key or value does not match its checksum     | unreadable up to the frame's end            |
 * | anything else                                              | unreadable up to the next whole frame, or to the end |
 */
export const scanFrames = (bytes: Buffer, from: number, firstNumber: number): Scanned => {
  const records: NumberedRecord[] = [];
  const unreadable: Unreadable[] = [];
  let at = from;
  let recordsEnd = from;
  let nextNumber = firstNumber;
  let tornAt: number | null = null;
  while (at < bytes.length) {
    const found = frameAt(bytes, at, nextNumber);
    if (found.kind === 'cut-off' || found.kind === 'too-short' || isZero(bytes, at)) {
      tornAt = at;
      break;
    }
    if (found.kind === 'record') {
      records.push(found.record);
      nextNumber = found.record.number + 1;
      at = recordsEnd = found.end;
      continue;
    }
    const { to, next } = skip(bytes, at, found, nextNumber);
    unreadable.push({ from: at, to });
    nextNumber = next;
    at = to;
  }
  return { records, recordsEnd, unreadable, tornAt, nextNumber };
};

/** Where reading goes on behind damage, and which number is expected there at least. */
const skip = (
  bytes: Buffer,
  at: number,
  found: Found,
  number: number,
): { readonly to: number; readonly next: number } => {
  if (found.kind === 'damaged-body') return { to: found.end, next: found.number + 1 };
  for (let to = at + 1; to < bytes.length; to++) {
    const { kind } = frameAt(bytes, to, number);
    if (kind !== 'no-frame' && kind !== 'too-short') return { to, next: number };
  }
  return { to: bytes.length, next: number + 1 };
};

/** A file system may have made a file longer, with zeros, without the bytes that belong there. */
const isZero = (bytes: Buffer, from: number): boolean =>
  bytes[from] === 0 && bytes.subarray(from).every((byte) => byte === 0);
