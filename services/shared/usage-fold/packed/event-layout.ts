import { ATTRIBUTES, IDENTITY } from '../../model/event-texts.ts';

/**
 * Texts in the bytes of an event, in the order of `IDENTITY` or `ATTRIBUTES`: the position and the length of
 * each, one text after another. A length of -1 is null.
 */
export type TextPlaces = Int32Array;

/** The resource's place in an identity. */
export const RESOURCE = 2;

export const identityPlaces = (): TextPlaces => new Int32Array(IDENTITY.length * 2);

export const attributePlaces = (): TextPlaces => new Int32Array(ATTRIBUTES.length * 2);

export const countOf = (places: TextPlaces): number => places.length >> 1;

export const placeOf = (places: TextPlaces, text: number): number => places[text * 2] ?? 0;

export const lengthOf = (places: TextPlaces, text: number): number => places[text * 2 + 1] ?? 0;

/** Texts as strings; null for null. */
export type Texts = readonly (string | null)[];

/** The texts at some places. */
export const textsAt = (bytes: Buffer, places: TextPlaces): Texts =>
  Array.from({ length: countOf(places) }, (_, text) => {
    const at = placeOf(places, text);
    const length = lengthOf(places, text);
    return length < 0 ? null : bytes.toString('utf8', at, at + length);
  });

/** The positions of an event's parts in the bytes of its record. One object is reused for all events. */
export interface EventLayout {
  eventId: number;
  readonly identity: TextPlaces;
  /** Milliseconds since 1970. */
  usageStart: number;
  usageEnd: number;
  quantity: number;
  quantityLength: number;
  readonly attributes: TextPlaces;
}

export const emptyLayout = (): EventLayout => ({
  eventId: 0,
  identity: identityPlaces(),
  usageStart: 0,
  usageEnd: 0,
  quantity: 0,
  quantityLength: 0,
  attributes: attributePlaces(),
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
      this.noText(places, text);
      return;
    }
    if (branch !== 1) this.at = -1;
    this.text(places, text);
  }

  noText(places: TextPlaces, text: number): void {
    places[text * 2] = this.at;
    places[text * 2 + 1] = -1;
  }
}

const cursor = new Cursor();
const NOTHING = Buffer.alloc(0);

/** Lets go of the bytes of the event that was read last. */
export const forgetLayout = (): void => {
  cursor.bytes = NOTHING;
};

/**
 * Finds the parts of an event in the layout of the published schemas (`plainSchemas`), from `at` up to
 * `end`. The event has the first `attributes` attributes; the others are null. Returns false if they do not fill that range exactly, or a number is too large for a time. Such an
 * event takes the general path, which says what is wrong with it.
 */
export const readLayout = (
  bytes: Buffer,
  at: number,
  end: number,
  attributes: number,
  into: EventLayout,
): boolean => {
  cursor.bytes = bytes;
  cursor.end = end;
  cursor.at = at + ID_BYTES;
  if (cursor.at > end) return false;
  into.eventId = at;
  for (let text = 0; text < IDENTITY.length; text++) cursor.text(into.identity, text);
  into.usageStart = cursor.long();
  into.usageEnd = cursor.long();
  into.quantityLength = cursor.skipBytes();
  into.quantity = cursor.at - into.quantityLength;
  for (let text = 0; text < ATTRIBUTES.length; text++) {
    if (text >= attributes) cursor.noText(into.attributes, text);
    else if (ATTRIBUTES[text]?.isNullable === true) cursor.optionalText(into.attributes, text);
    else cursor.text(into.attributes, text);
  }
  return cursor.at === end;
};
