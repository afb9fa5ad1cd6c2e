/** How many bytes a signed number of at most 53 bits takes in a record of Kafka. */
export const varintSize = (value: number): number => {
  let rest = zigZag(value);
  let bytes = 1;
  for (; rest > 0x7f; rest = Math.floor(rest / 128)) bytes++;
  return bytes;
};

/** The sign goes to the lowest bit. Exact below 2^52. */
const zigZag = (value: number): number => (value < 0 ? -2 * value - 1 : 2 * value);

/** How many bytes length-prefixed bytes take; null has a prefix alone. */
export const prefixedSize = (length: number | null): number =>
  length === null ? 1 : varintSize(length) + length;

/** Writes into bytes that are long enough. */
export class ByteWriter {
  readonly bytes: Buffer;
  at: number;

  constructor(bytes: Buffer, at: number) {
    this.bytes = bytes;
    this.at = at;
  }

  byte(value: number): void {
    this.bytes[this.at++] = value;
  }

  varint(value: number): void {
    let rest = zigZag(value);
    for (; rest > 0x7f; rest = Math.floor(rest / 128)) this.byte((rest % 128) | 0x80);
    this.byte(rest);
  }

  /** Writes length-prefixed bytes, or a text as UTF-8, or null. */
  prefixed(part: Buffer | string | null): void {
    if (part === null) {
      this.varint(-1);
    } else if (typeof part === 'string') {
      this.varint(Buffer.byteLength(part));
      this.at += this.bytes.write(part, this.at);
    } else {
      this.varint(part.length);
      this.at += part.copy(this.bytes, this.at);
    }
  }
}
