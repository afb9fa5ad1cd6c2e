import { randomBytes } from 'node:crypto';
import { digestOf } from './content-digest.ts';

/** Where an id was first accepted, and with what content. */
export interface SeenEvent {
  readonly offset: number;
  readonly digest: bigint;
}

/**
 * Stands for the offset of an event accepted in an earlier epoch of the topic: lower than any offset of
 * this epoch.
 */
export const EARLIER_EPOCH = -2;

const NONE = -1;
const TWO_32 = 0x100000000;
const ID_WORDS = 4;
type IdWords = [number, number, number, number];
/**
 * An entry: its id, its offset, and its digest with the high word first. Words are signed here: V8 makes an
 * object of each unsigned one that is handed from function to function.
 */
const ENTRY_WORDS = 8;
const OFFSET = 4;
const DIGEST = 6;
const BYTES_PER_ID = ENTRY_WORDS * 4;
const BYTES_PER_SLOT = 4;
/**
 * Ids in a segment. A table that has filled its first segment grows by entire segments, so that nothing is
 * copied.
 */
const SEGMENT = 4096;
const FIRST_IDS = 32;
/** Slots of the old index that move to the larger one with each new id. */
const MOVES = 16;

/**
 * The ids accepted in one usage hour: a map from 128-bit id to first offset and content digest. Entries of
 * 32 bytes are stored one after another in segments, in the order of arrival. An index with open addressing finds them: 4 bytes a
 * slot, at most two thirds of the slots taken. A `Map` of strings with tens of millions of ids would not
 * fit in memory.
 *
 * When the index grows, its entries move to the new one step by step, some with each added id. Moving all
 * at once would block the process for longer than a heartbeat may wait.
 */
export class EventTable {
  private segments: Int32Array[] = [new Int32Array(FIRST_IDS * ENTRY_WORDS)];
  private capacity = FIRST_IDS;
  private taken = 0;
  /** The number of the entry plus one; 0 for an empty slot. */
  private index: Int32Array;
  /** The previous, smaller index while it is being moved, and its next slot to move. */
  private before: Int32Array | null = null;
  private moved = 0;

  /** @param expected about so many ids: an index that is large enough from the start need not grow */
  constructor(expected = 0) {
    let slots = FIRST_IDS * 2;
    while (slots * 2 < expected * 3) slots *= 2;
    this.index = new Int32Array(slots);
  }

  get size(): number {
    return this.taken;
  }

  get bytes(): number {
    const slots = this.index.length + (this.before?.length ?? 0);
    return this.capacity * BYTES_PER_ID + slots * BYTES_PER_SLOT;
  }

  find(id: Uint8Array): SeenEvent | null {
    const entry = this.entryOf(viewOf(id), 0);
    return entry === NONE
      ? null
      : {
          offset: this.offsetOf(entry),
          digest: digestOf(this.digestHigh(entry), this.digestLow(entry)),
        };
  }

  /** Adds an id. If the table has it already, the lower offset stays. */
  add(id: Uint8Array, offset: number, digest: bigint): void {
    const bytes = viewOf(id);
    const [a, b, c, d] = [0, 4, 8, 12].map((at) => bytes.getInt32(at)) as IdWords;
    this.enterFirst(a, b, c, d, offset, Number(digest >> 32n), Number(digest & 0xffffffffn));
  }

  /** The same for an id in four words, the first one first. */
  enterFirst(
    a: number,
    b: number,
    c: number,
    d: number,
    offset: number,
    high: number,
    low: number,
  ): void {
    const entry = this.entryOfWords(a, b, c, d);
    if (entry === NONE) this.appendWords(a, b, c, d, offset, high, low);
    else if (offset < this.offsetOf(entry)) this.set(entry, offset, high, low);
  }

  /** The entry of the id at position `at` of `bytes`; -1 if there is none. */
  entryOf(bytes: DataView, at: number): number {
    const a = bytes.getInt32(at);
    const b = bytes.getInt32(at + 4);
    const c = bytes.getInt32(at + 8);
    const d = bytes.getInt32(at + 12);
    return this.entryOfWords(a, b, c, d);
  }

  private entryOfWords(a: number, b: number, c: number, d: number): number {
    const hash = hashOf(a, b, c, d);
    const entry = this.lookUp(this.index, hash, a, b, c, d);
    return entry !== NONE || this.before === null
      ? entry
      : this.lookUp(this.before, hash, a, b, c, d);
  }

  offsetOf(entry: number): number {
    const segment = this.segments[(entry / SEGMENT) | 0];
    const at = (entry % SEGMENT) * ENTRY_WORDS + OFFSET;
    return segment ? (segment[at + 1] ?? 0) * TWO_32 + ((segment[at] ?? 0) >>> 0) : NONE;
  }

  digestHigh(entry: number): number {
    return this.wordOf(entry, DIGEST);
  }

  digestLow(entry: number): number {
    return this.wordOf(entry, DIGEST + 1);
  }

  /** Adds the id at position `at` of `bytes`, which `entryOf` has not found. */
  append(bytes: DataView, at: number, offset: number, high: number, low: number): void {
    const a = bytes.getInt32(at);
    const b = bytes.getInt32(at + 4);
    const c = bytes.getInt32(at + 8);
    const d = bytes.getInt32(at + 12);
    this.appendWords(a, b, c, d, offset, high, low);
  }

  private appendWords(
    a: number,
    b: number,
    c: number,
    d: number,
    offset: number,
    high: number,
    low: number,
  ): void {
    const entry = this.taken++;
    if (entry === this.capacity) this.extend();
    const segment = this.segments[(entry / SEGMENT) | 0];
    if (!segment) throw new Error('the table has no room for its next id');
    const place = (entry % SEGMENT) * ENTRY_WORDS;
    segment[place] = a;
    segment[place + 1] = b;
    segment[place + 2] = c;
    segment[place + 3] = d;
    this.set(entry, offset, high, low);
    if (this.before !== null) this.move(MOVES);
    else if (this.taken * 3 > this.index.length * 2) this.growIndex();
    this.enter(entry);
  }

  private wordOf(entry: number, word: number): number {
    return this.segments[(entry / SEGMENT) | 0]?.[(entry % SEGMENT) * ENTRY_WORDS + word] ?? 0;
  }

  private set(entry: number, offset: number, high: number, low: number): void {
    const segment = this.segments[(entry / SEGMENT) | 0];
    if (!segment) return;
    const place = (entry % SEGMENT) * ENTRY_WORDS;
    segment[place + OFFSET] = offset; // modulo 2^32
    segment[place + OFFSET + 1] = Math.floor(offset / TWO_32);
    segment[place + DIGEST] = high;
    segment[place + DIGEST + 1] = low;
  }

  private lookUp(
    index: Int32Array,
    hash: number,
    a: number,
    b: number,
    c: number,
    d: number,
  ): number {
    const mask = index.length - 1;
    for (let slot = hash & mask; ; slot = (slot + 1) & mask) {
      const entry = (index[slot] ?? 0) - 1;
      if (entry < 0) return NONE;
      const ids = this.segments[(entry / SEGMENT) | 0];
      const place = (entry % SEGMENT) * ENTRY_WORDS;
      if (
        ids?.[place] === a &&
        ids[place + 1] === b &&
        ids[place + 2] === c &&
        ids[place + 3] === d
      ) {
        return entry;
      }
    }
  }

  private enter(entry: number): void {
    const ids = this.segments[(entry / SEGMENT) | 0];
    const place = (entry % SEGMENT) * ENTRY_WORDS;
    const mask = this.index.length - 1;
    let slot =
      hashOf(
        ids?.[place] ?? 0,
        ids?.[place + 1] ?? 0,
        ids?.[place + 2] ?? 0,
        ids?.[place + 3] ?? 0,
      ) & mask;
    while (this.index[slot] !== 0) slot = (slot + 1) & mask;
    this.index[slot] = entry + 1;
  }

  /** Makes room for more entries: a small table is copied, a large one gets another segment. */
  private extend(): void {
    const [first] = this.segments;
    if (!first || this.capacity >= SEGMENT) {
      this.segments.push(new Int32Array(SEGMENT * ENTRY_WORDS));
      this.capacity += SEGMENT;
      return;
    }
    this.capacity *= 2;
    const larger = new Int32Array(this.capacity * ENTRY_WORDS);
    larger.set(first);
    this.segments = [larger];
  }

  private growIndex(): void {
    this.before = this.index;
    this.moved = 0;
    this.index = new Int32Array(this.index.length * 2);
    this.move(MOVES);
  }

  /** Moves some slots. With 16 for each new id, all have moved long before the new index is full. */
  private move(slots: number): void {
    const { before } = this;
    if (before === null) return;
    const end = Math.min(before.length, this.moved + slots);
    for (; this.moved < end; this.moved++) {
      const entry = (before[this.moved] ?? 0) - 1;
      if (entry >= 0) this.enter(entry);
    }
    if (end === before.length) this.before = null;
  }
}

const viewOf = ({ buffer, byteOffset, byteLength }: Uint8Array): DataView =>
  new DataView(buffer, byteOffset, byteLength);

/**
 * Providers choose the ids. With a hash that they could compute, crafted ids would all collide and make
 * every look-up slow. Nothing else depends on where an id is in the table.
 */
const SECRET = Uint32Array.from({ length: ID_WORDS + 1 }, () => randomBytes(4).readUInt32LE(0));

const [S0 = 0, S1 = 0, S2 = 0, S3 = 0, START = 0] = SECRET;

const hashOf = (a: number, b: number, c: number, d: number): number =>
  mixed(mixed(mixed(mixed(START, a, S0), b, S1), c, S2), d, S3);

const mixed = (hash: number, word: number, secret: number): number => {
  let h = Math.imul(hash ^ word ^ secret, secret | 1);
  h ^= h >>> 15;
  h = Math.imul(h, 0x2c1b3c6d);
  return h ^ (h >>> 13);
};
