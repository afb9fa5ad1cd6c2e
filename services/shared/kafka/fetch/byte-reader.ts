/** Reads the variable-length numbers of Kafka's records. Throws a RangeError beyond the end. */
export class ByteReader {
  private readonly bytes: Buffer;
  at: number;

  constructor(bytes: Buffer, at = 0) {
    this.bytes = bytes;
    this.at = at;
  }

  get isAtEnd(): boolean {
    return this.at === this.bytes.length;
  }

  byte(): number {
    const byte = this.bytes[this.at];
    if (byte === undefined) throw new RangeError('a record is cut short');
    this.at++;
    return byte;
  }

  /** A signed number of at most 32 bits. */
  varint(): number {
    let value = 0;
    for (let shift = 0; shift < 35; shift += 7) {
      const byte = this.byte();
      value |= (byte & 0x7f) << shift;
      if (byte < 0x80) return (value >>> 1) ^ -(value & 1);
    }
    throw new RangeError('a number of a record is too long');
  }

  /** A signed number of at most 64 bits. */
  varlong(): bigint {
    // Nearly all are small, and integers of any size are slow.
    let low = 0;
    for (let shift = 0; shift < 28; shift += 7) {
      const byte = this.byte();
      low |= (byte & 0x7f) << shift;
      if (byte < 0x80) return BigInt((low >>> 1) ^ -(low & 1));
    }
    let value = BigInt(low);
    for (let shift = 28n; shift < 70n; shift += 7n) {
      const byte = this.byte();
      value |= BigInt(byte & 0x7f) << shift;
      if (byte < 0x80) return BigInt.asIntN(64, (value >> 1n) ^ -(value & 1n));
    }
    throw new RangeError('a number of a record is too long');
  }

  /** Bytes with their length in front; null where that is -1. */
  lengthAndBytes(): Buffer | null {
    const length = this.varint();
    if (length === -1) return null;
    if (length < -1 || this.at + length > this.bytes.length) {
      throw new RangeError('a record is cut short');
    }
    this.at += length;
    return this.bytes.subarray(this.at - length, this.at);
  }
}
