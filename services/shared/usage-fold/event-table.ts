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

/** The bytes of several tables together. */
export interface ByteCount {
  bytes: number;
}

const NONE = -1;
const TWO_32 = 0x100000000;
const ID_WORDS = 4;
/** An id in four words, the first one first. Words are signed: V8 makes an object of each unsigned one that is handed on. */
export type IdWords = Int32Array;

export const idWords = (): IdWords => new Int32Array(ID_WORDS);

/** Reads the id at a position of some bytes. */
export const readId = (bytes: DataView, at: number, into: IdWords): void => {
  for (let word = 0; word < ID_WORDS; word++) into[word] = bytes.getInt32(at + word * 4);
};

/** An entry: its id, its offset, and its digest with the high word first. */
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
 * 32 bytes are stored one after another in segments, in the order of arrival. An index with open addressing
 * finds them: 4 bytes a slot, at most two thirds of the slots taken. A `Map` of strings with tens of millions
 * of ids would not fit in memory.
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
  private counted: ByteCount | null = null;

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

  /** Its bytes are counted there from now on, however much it grows; null for nowhere. */
  countIn(count: ByteCount | null): void {
    if (this.counted) this.counted.bytes -= this.bytes;
    this.counted = count;
    if (count) count.bytes += this.bytes;
  }

  find(id: Uint8Array): SeenEvent | null {
    const entry = this.entryOf(wordsOf(id));
    return entry === NONE
      ? null
      : {
          offset: this.offsetOf(entry),
          digest: digestOf(this.digestHigh(entry), this.digestLow(entry)),
        };
  }

  /** Adds an id. If the table has it already, the lower offset stays. */
  add(id: Uint8Array, offset: number, digest: bigint): void {
    this.enterFirst(wordsOf(id), offset, Number(digest >> 32n), Number(digest & 0xffffffffn));
  }

  /** The same for an id in words. */
  enterFirst(id: IdWords, offset: number, high: number, low: number): void {
    const entry = this.entryOf(id);
    if (entry === NONE) this.append(id, offset, high, low);
    else if (offset < this.offsetOf(entry)) this.set(entry, offset, high, low);
  }

  /** The entry of an id; -1 if there is none. */
  entryOf(id: IdWords): number {
    const hash = hashOf(id, 0);
    const entry = this.lookUp(this.index, hash, id);
    return entry !== NONE || this.before === null ? entry : this.lookUp(this.before, hash, id);
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

  /** Adds an id that `entryOf` has not found. */
  append(id: IdWords, offset: number, high: number, low: number): void {
    const entry = this.taken++;
    if (entry === this.capacity) this.extend();
    const segment = this.segments[(entry / SEGMENT) | 0];
    if (!segment) throw new Error('the table has no room for its next id');
    const place = (entry % SEGMENT) * ENTRY_WORDS;
    for (let word = 0; word < ID_WORDS; word++) segment[place + word] = id[word] ?? 0;
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

  private lookUp(index: Int32Array, hash: number, id: IdWords): number {
    const mask = index.length - 1;
    for (let slot = hash & mask; ; slot = (slot + 1) & mask) {
      const entry = (index[slot] ?? 0) - 1;
      if (entry < 0) return NONE;
      const segment = this.segments[(entry / SEGMENT) | 0];
      const place = (entry % SEGMENT) * ENTRY_WORDS;
      if (
        segment?.[place] === id[0] &&
        segment?.[place + 1] === id[1] &&
        segment?.[place + 2] === id[2] &&
        segment?.[place + 3] === id[3]
      ) {
        return entry;
      }
    }
  }

  private enter(entry: number): void {
    const segment = this.segments[(entry / SEGMENT) | 0];
    if (!segment) return;
    const mask = this.index.length - 1;
    let slot = hashOf(segment, (entry % SEGMENT) * ENTRY_WORDS) & mask;
    while (this.index[slot] !== 0) slot = (slot + 1) & mask;
    this.index[slot] = entry + 1;
  }

  /** Makes room for more entries: a small table is copied, a large one gets another segment. */
  private extend(): void {
    const [first] = this.segments;
    const more = first && this.capacity < SEGMENT ? this.capacity : SEGMENT;
    this.capacity += more;
    this.count(more * BYTES_PER_ID);
    if (!first || more === SEGMENT) {
      this.segments.push(new Int32Array(SEGMENT * ENTRY_WORDS));
      return;
    }
    const larger = new Int32Array(this.capacity * ENTRY_WORDS);
    larger.set(first);
    this.segments = [larger];
  }

  private growIndex(): void {
    this.before = this.index;
    this.moved = 0;
    this.index = new Int32Array(this.index.length * 2);
    this.count(this.index.length * BYTES_PER_SLOT);
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
    if (end < before.length) return;
    this.before = null;
    this.count(-before.length * BYTES_PER_SLOT);
  }

  private count(bytes: number): void {
    if (this.counted) this.counted.bytes += bytes;
  }
}

const shared = idWords();

/** The words of an id, until they are asked for again. */
export const wordsOf = ({ buffer, byteOffset, byteLength }: Uint8Array): IdWords => {
  readId(new DataView(buffer, byteOffset, byteLength), 0, shared);
  return shared;
};

/**
 * Providers choose the ids. With a hash that they could compute, crafted ids would all collide and make
 * every look-up slow. Nothing else depends on where an id is in the table.
 */
const SECRET = Uint32Array.from({ length: ID_WORDS + 1 }, () => randomBytes(4).readUInt32LE(0));

const [S0 = 0, S1 = 0, S2 = 0, S3 = 0, START = 0] = SECRET;

/** Of the id that begins at a place of some words. */
const hashOf = (ids: Int32Array, at: number): number => {
  const first = mixed(mixed(START, ids[at] ?? 0, S0), ids[at + 1] ?? 0, S1);
  return mixed(mixed(first, ids[at + 2] ?? 0, S2), ids[at + 3] ?? 0, S3);
};

const mixed = (hash: number, word: number, secret: number): number => {
  let h = Math.imul(hash ^ word ^ secret, secret | 1);
  h ^= h >>> 15;
  h = Math.imul(h, 0x2c1b3c6d);
  return h ^ (h >>> 13);
};
