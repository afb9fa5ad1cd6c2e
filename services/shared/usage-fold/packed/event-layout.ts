import type { WindowAttributes } from '../window.ts';

/**
 * Three texts in the bytes of an event: the position and the length of each, one text after another. A
 * length of -1 is null.
 */
export type TextPlaces = Int32Array;

/** Texts of `EventLayout.identity`. */
export const SUBSCRIPTION = 0;
export const METER = 1;
export const RESOURCE = 2;
/** Texts of `EventLayout.attributes`. */
export const LOCATION = 0;
export const TAGS = 1;
export const ADDITIONAL_INFO = 2;

export const TEXTS = 3;

export const placeOf = (places: TextPlaces, text: number): number => places[text * 2] ?? 0;

export const lengthOf = (places: TextPlaces, text: number): number => places[text * 2 + 1] ?? 0;

/** Three texts as strings; null for null. */
export type Texts = readonly [string | null, string | null, string | null];

/** The texts at some places. */
export const textsAt = (bytes: Buffer, places: TextPlaces): Texts => {
  const text = (n: number): string | null => {
    const at = placeOf(places, n);
    const length = lengthOf(places, n);
    return length < 0 ? null : bytes.toString('utf8', at, at + length);
  };
  return [text(0), text(1), text(2)];
};

/** The texts of an identity and of attributes by their names. */
export const attributesOf = (identity: Texts, attributes: Texts): WindowAttributes => ({
  subscriptionId: identity[SUBSCRIPTION] ?? '',
  meterId: identity[METER] ?? '',
  resourceUri: identity[RESOURCE] ?? '',
  location: attributes[LOCATION] ?? '',
  tags: attributes[TAGS],
  additionalInfo: attributes[ADDITIONAL_INFO],
});

/** The positions of an event's parts in the bytes of its record. One object is reused for all events. */
export interface EventLayout {
  eventId: number;
  /** Subscription, meter and resource. */
  readonly identity: TextPlaces;
  /** Milliseconds since 1970. */
  usageStart: number;
  usageEnd: number;
  quantity: number;
  quantityLength: number;
  /** Location, tags and additional info. */
  readonly attributes: TextPlaces;
}

export const emptyLayout = (): EventLayout => ({
  eventId: 0,
  identity: new Int32Array(TEXTS * 2),
  usageStart: 0,
  usageEnd: 0,
  quantity: 0,
  quantityLength: 0,
  attributes: new Int32Array(TEXTS * 2),
});

const ID_BYTES = 16;

/** Reads Avro's numbers and lengths. `at` is -1 once one of them is not plain. */
class Cursor {
  bytes: Buffer = Buffer.alloc(0);
  at = 0;
  end = 0;

  /** A number of at most 49 bits, which a double holds exactly. */
  long(): number {
    const { bytes, end } = this;
    let { at } = this;
    let zigzag = 0;
    let unit = 1;
    for (let n = 0; n < 7 && at >= 0 && at < end; n++) {
      const byte = bytes[at++] ?? 0;
      zigzag += (byte & 0x7f) * unit;
      if (byte < 0x80) {
        this.at = at;
        return zigzag % 2 === 0 ? zigzag / 2 : -(zigzag + 1) / 2;
      }
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

  /** Moves past a text and notes its place. */
  text(places: TextPlaces, text: number): void {
    const length = this.skipBytes();
    places[text * 2] = this.at - length;
    places[text * 2 + 1] = length;
  }

  /** The same for a union of null and bytes. */
  optionalText(places: TextPlaces, text: number): void {
    const branch = this.long();
    if (branch === 0) {
      places[text * 2] = this.at;
      places[text * 2 + 1] = -1;
      return;
    }
    if (branch !== 1) this.at = -1;
    this.text(places, text);
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
  cursor.text(into.identity, SUBSCRIPTION);
  cursor.text(into.identity, METER);
  cursor.text(into.identity, RESOURCE);
  into.usageStart = cursor.long();
  into.usageEnd = cursor.long();
  into.quantityLength = cursor.skipBytes();
  into.quantity = cursor.at - into.quantityLength;
  cursor.text(into.attributes, LOCATION);
  cursor.optionalText(into.attributes, TAGS);
  cursor.optionalText(into.attributes, ADDITIONAL_INFO);
  return cursor.at === end;
};
