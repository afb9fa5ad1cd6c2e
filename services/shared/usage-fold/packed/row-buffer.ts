import { withRoom } from './growing.ts';
import { LIMBS } from './limbs.ts';
import { writeLength } from './text-bytes.ts';

const NOTHING = Buffer.alloc(0);
/** Up to this many bytes are copied one by one: making a view of them would take longer. */
const FEW_BYTES = 48;
const TWO_32 = 0x100000000;

/**
 * Rows in ClickHouse's RowBinary: column after column, numbers in little-endian, texts with their length
 * first. Source: ClickHouse documentation, "RowBinary".
 */
export class RowBuffer {
  bytes: Buffer;
  private view: DataView;
  at = 0;
  rows = 0;

  constructor(bytes: Buffer = NOTHING) {
    this.bytes = bytes;
    this.view = viewOf(bytes);
  }

  /** What has been written. */
  written(): Buffer {
    return this.bytes.subarray(0, this.at);
  }

  /** Call this before each row, with the most bytes that the row can take. */
  reserve(most: number): void {
    if (this.at + most <= this.bytes.length) return;
    this.bytes = withRoom(this.bytes, this.at, most);
    this.view = viewOf(this.bytes);
  }

  byte(value: number): void {
    this.bytes[this.at++] = value;
  }

  uint16(value: number): void {
    this.view.setUint16(this.at, value, true);
    this.at += 2;
  }

  uint32(value: number): void {
    this.view.setUint32(this.at, value, true);
    this.at += 4;
  }

  /** A whole number that a double holds exactly, as 64 bits in two's complement. */
  int64(value: number): void {
    this.view.setUint32(this.at, value, true); // modulo 2^32
    this.view.setInt32(this.at + 4, Math.floor(value / TWO_32), true);
    this.at += 8;
  }

  word64(high: number, low: number): void {
    this.view.setUint32(this.at, low, true);
    this.view.setUint32(this.at + 4, high, true);
    this.at += 8;
  }

  /** A UUID: two 64-bit numbers, each from eight of its bytes. */
  uuid(from: Uint8Array, at: number): void {
    const { bytes } = this;
    const to = this.at;
    for (let n = 0; n < 8; n++) {
      bytes[to + n] = from[at + 7 - n] ?? 0;
      bytes[to + 8 + n] = from[at + 15 - n] ?? 0;
    }
    this.at += 16;
  }

  limbs(limbs: Uint32Array, at: number): void {
    for (let n = 0; n < LIMBS; n++) this.view.setUint32(this.at + n * 4, limbs[at + n] ?? 0, true);
    this.at += LIMBS * 4;
  }

  /** Bytes as they are. */
  copy(from: Buffer, start: number, end: number): void {
    if (end - start > FEW_BYTES) from.copy(this.bytes, this.at, start, end);
    else for (let n = 0; n < end - start; n++) this.bytes[this.at + n] = from[start + n] ?? 0;
    this.at += end - start;
  }

  length(length: number): void {
    this.at = writeLength(this.bytes, this.at, length);
  }
}

const viewOf = ({ buffer, byteOffset, byteLength }: Buffer): DataView =>
  new DataView(buffer, byteOffset, byteLength);

/** Reads what a `RowBuffer` wrote. */
export class RowReader {
  private readonly bytes: Buffer;
  private at = 0;

  constructor(bytes: Buffer) {
    this.bytes = bytes;
  }

  get isAtEnd(): boolean {
    return this.at >= this.bytes.length;
  }

  skip(length: number): void {
    this.at += length;
  }

  byte(): number {
    return this.bytes.readUInt8(this.at++);
  }

  uint32(): number {
    this.at += 4;
    return this.bytes.readUInt32LE(this.at - 4);
  }

  int64(): number {
    this.at += 8;
    return Number(this.bytes.readBigInt64LE(this.at - 8));
  }

  uint64(): bigint {
    this.at += 8;
    return this.bytes.readBigUInt64LE(this.at - 8);
  }

  uuid(): Buffer {
    const from = this.bytes.subarray(this.at, this.at + 16);
    this.at += 16;
    return Buffer.concat([
      Buffer.from(from.subarray(0, 8)).reverse(),
      Buffer.from(from.subarray(8)).reverse(),
    ]);
  }

  limbs(): Uint32Array {
    return Uint32Array.from({ length: LIMBS }, () => this.uint32());
  }

  text(): string {
    let length = 0;
    for (let shift = 0; ; shift += 7) {
      const byte = this.byte();
      length |= (byte & 0x7f) << shift;
      if (byte < 0x80) break;
    }
    this.at += length;
    return this.bytes.toString('utf8', this.at - length, this.at);
  }

  optionalText(): string | null {
    return this.byte() === 0 ? this.text() : null;
  }
}
