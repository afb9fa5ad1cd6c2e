/** Reads the variable-length numbers in Kafka's records. Throws a RangeError at the end of the bytes. */
export class ByteReader {
  private readonly bytes: Buffer;
  at = 0;

  constructor(bytes: Buffer) {
    this.bytes = bytes;
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
    let value = this.byte();
    if (value >= 0x80) value = this.more(value & 0x7f);
    return (value >>> 1) ^ -(value & 1);
  }

  private more(low: number): number {
    let value = low;
    for (let shift = 7; shift < 35; shift += 7) {
      const byte = this.byte();
      value |= (byte & 0x7f) << shift;
      if (byte < 0x80) return value;
    }
    throw new RangeError('a number of a record is too long');
  }

  /**
   * A signed number of at most 64 bits. A plain number if it has at most 32 bits, because bigints are slow.
   */
  varlong(): number | bigint {
    const from = this.at;
    for (let shift = 0, low = 0; shift < 35; shift += 7) {
      const byte = this.byte();
      if (shift === 28 && (byte & 0x7f) > 0xf) break; // more than 32 bits
      low |= (byte & 0x7f) << shift;
      if (byte < 0x80) return (low >>> 1) ^ -(low & 1);
    }
    this.at = from;
    let value = 0n;
    for (let shift = 0n; shift < 70n; shift += 7n) {
      const byte = this.byte();
      value |= BigInt(byte & 0x7f) << shift;
      if (byte < 0x80) return BigInt.asIntN(64, (value >> 1n) ^ -(value & 1n));
    }
    throw new RangeError('a number of a record is too long');
  }

  /** Skips length-prefixed bytes. Returns their length, or -1 for null. */
  pass(): number {
    const length = this.varint();
    if (length < -1 || this.at + length > this.bytes.length) {
      throw new RangeError('a record is cut short');
    }
    if (length > 0) this.at += length;
    return length;
  }
}
