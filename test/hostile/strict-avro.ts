/**
 * A usage event read by the Avro specification alone, byte for byte, with code of its own: what the
 * pipeline's decoder is held against.
 * Source: Apache Avro 1.12 specification, "Binary encoding".
 */
export interface StrictEvent {
  readonly eventId: Buffer;
  readonly subscriptionId: Buffer;
  readonly meterId: Buffer;
  readonly resourceUri: Buffer;
  readonly usageStartTime: bigint;
  readonly usageEndTime: bigint;
  readonly quantity: Buffer;
  readonly location: Buffer;
  readonly tags: Buffer | null;
  readonly additionalInfo: Buffer | null;
}

class NotAvro extends Error {}

/** What the specification has. */
const MAX_LONG_BYTES = 10;
/**
 * The pipeline's decoder (avsc) reads lengths and branches that are padded to more, and gives up where
 * its floating point does. Their values are bounded by the record itself.
 */
const MAX_LENGTH_BYTES = 146;

class Reader {
  private at = 0;
  private readonly bytes: Buffer;

  constructor(bytes: Buffer) {
    this.bytes = bytes;
  }

  long(maxBytes = MAX_LONG_BYTES): bigint {
    let value = 0n;
    for (let n = 0; n < maxBytes; n++) {
      const byte = this.bytes[this.at++];
      if (byte === undefined) throw new NotAvro('cut short');
      value |= BigInt(byte & 0x7f) << BigInt(7 * n);
      if (byte >= 0x80) continue;
      if (value >= 1n << 64n) break;
      return value & 1n ? -((value + 1n) / 2n) : value / 2n;
    }
    throw new NotAvro('no 64-bit number');
  }

  fixed(length: bigint): Buffer {
    if (length < 0n || length > BigInt(this.bytes.length - this.at)) throw new NotAvro('length');
    const from = this.at;
    this.at += Number(length);
    return this.bytes.subarray(from, this.at);
  }

  block(): Buffer {
    return this.fixed(this.long(MAX_LENGTH_BYTES));
  }

  optional(): Buffer | null {
    const branch = this.long(MAX_LENGTH_BYTES);
    if (branch === 0n) return null;
    if (branch === 1n) return this.block();
    throw new NotAvro('no branch of the union');
  }

  end(): void {
    if (this.at !== this.bytes.length) throw new NotAvro('bytes follow');
  }
}

/** Null where the bytes are not one whole datum. */
export const strictEvent = (datum: Buffer): StrictEvent | null => {
  const reader = new Reader(datum);
  try {
    const event: StrictEvent = {
      eventId: reader.fixed(16n),
      subscriptionId: reader.block(),
      meterId: reader.block(),
      resourceUri: reader.block(),
      usageStartTime: reader.long(),
      usageEndTime: reader.long(),
      quantity: reader.block(),
      location: reader.block(),
      tags: reader.optional(),
      additionalInfo: reader.optional(),
    };
    reader.end();
    return event;
  } catch (error) {
    if (error instanceof NotAvro) return null;
    throw error;
  }
};
