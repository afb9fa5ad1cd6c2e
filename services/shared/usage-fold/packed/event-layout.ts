/** The positions of an event's parts in the bytes of its record. One object is reused for all events. */
export interface EventLayout {
  eventId: number;
  subscription: number;
  subscriptionLength: number;
  meter: number;
  meterLength: number;
  resource: number;
  resourceLength: number;
  /** Milliseconds since 1970. */
  usageStart: number;
  usageEnd: number;
  quantity: number;
  quantityLength: number;
  location: number;
  locationLength: number;
  tags: number;
  /** -1 for null. */
  tagsLength: number;
  additionalInfo: number;
  /** -1 for null. */
  additionalInfoLength: number;
}

export const emptyLayout = (): EventLayout => ({
  eventId: 0,
  subscription: 0,
  subscriptionLength: 0,
  meter: 0,
  meterLength: 0,
  resource: 0,
  resourceLength: 0,
  usageStart: 0,
  usageEnd: 0,
  quantity: 0,
  quantityLength: 0,
  location: 0,
  locationLength: 0,
  tags: 0,
  tagsLength: 0,
  additionalInfo: 0,
  additionalInfoLength: 0,
});

const ID_BYTES = 16;

/** Reads Avro's numbers and lengths. `at` is -1 once one of them is not plain. */
class Cursor {
  bytes: Buffer = Buffer.alloc(0);
  at = 0;
  end = 0;

  /** A number of at most 49 bits, which a double holds exactly. */
  long(): number {
    let zigzag = 0;
    let unit = 1;
    for (let n = 0; n < 7 && this.at >= 0 && this.at < this.end; n++) {
      const byte = this.bytes[this.at++] ?? 0;
      zigzag += (byte & 0x7f) * unit;
      if (byte < 0x80) return zigzag % 2 === 0 ? zigzag / 2 : -(zigzag + 1) / 2;
      unit *= 128;
    }
    this.at = -1;
    return 0;
  }

  /** Reads a length and moves past that many bytes, which must exist. */
  skipBytes(): number {
    const length = this.long();
    if (this.at < 0 || length < 0 || length > this.end - this.at) {
      this.at = -1;
      return 0;
    }
    this.at += length;
    return length;
  }

  /** The same for a union of null and bytes; -1 for null. */
  skipOptional(): number {
    const branch = this.long();
    if (branch === 0) return -1;
    if (branch !== 1) this.at = -1;
    return this.skipBytes();
  }
}

const cursor = new Cursor();

/**
 * Finds the parts of an event in the layout of the published schema (`isPlainLayout`), from `at` up to
 * `end`. Returns false if they do not fill that range exactly, or a number is too large for a time. Such an
 * event takes the general path, which says what is wrong with it.
 */
export const readLayout = (bytes: Buffer, at: number, end: number, into: EventLayout): boolean => {
  cursor.bytes = bytes;
  cursor.end = end;
  cursor.at = at + ID_BYTES;
  if (cursor.at > end) return false;
  into.eventId = at;
  into.subscriptionLength = cursor.skipBytes();
  into.subscription = cursor.at - into.subscriptionLength;
  into.meterLength = cursor.skipBytes();
  into.meter = cursor.at - into.meterLength;
  into.resourceLength = cursor.skipBytes();
  into.resource = cursor.at - into.resourceLength;
  into.usageStart = cursor.long();
  into.usageEnd = cursor.long();
  into.quantityLength = cursor.skipBytes();
  into.quantity = cursor.at - into.quantityLength;
  into.locationLength = cursor.skipBytes();
  into.location = cursor.at - into.locationLength;
  into.tagsLength = cursor.skipOptional();
  into.tags = cursor.at - Math.max(0, into.tagsLength);
  into.additionalInfoLength = cursor.skipOptional();
  into.additionalInfo = cursor.at - Math.max(0, into.additionalInfoLength);
  return cursor.at === end;
};
