import { randomBytes } from 'node:crypto';

/** Where an id was accepted first, and with what content. */
export interface SeenEvent {
  readonly offset: number;
  readonly digest: bigint;
}

const EMPTY = -1;
/** The offset of what was accepted in an earlier epoch of the topic: lower than any of this one. */
export const EARLIER_EPOCH = -2;
const ID_WORDS = 4;
const BYTES_PER_SLOT = ID_WORDS * 4 + 8 + 8;
const INITIAL_SLOTS = 64;

/**
 * The ids accepted in one usage hour: 128-bit id to first offset and content digest, in open
 * addressing over typed arrays (32 bytes a slot, at most two thirds of them taken), because tens of
 * millions of ids in a `Map` of strings would not fit memory.
 */
export class EventTable {
  private slots = INITIAL_SLOTS;
  private ids = new Uint32Array(INITIAL_SLOTS * ID_WORDS);
  private offsets = new Float64Array(INITIAL_SLOTS).fill(EMPTY);
  private digests = new BigUint64Array(INITIAL_SLOTS);
  private taken = 0;

  get size(): number {
    return this.taken;
  }

  get bytes(): number {
    return this.slots * BYTES_PER_SLOT;
  }

  find(id: Uint8Array): SeenEvent | null {
    const slot = this.slotOf(wordsOf(id));
    const offset = this.offsets[slot] ?? EMPTY;
    return offset === EMPTY ? null : { offset, digest: this.digests[slot] ?? 0n };
  }

  /** Enters an id; where it is there already, the lower offset stays. */
  add(id: Uint8Array, offset: number, digest: bigint): void {
    const words = wordsOf(id);
    const slot = this.slotOf(words);
    const present = this.offsets[slot] ?? EMPTY;
    if (present !== EMPTY && present <= offset) return;
    this.ids.set(words, slot * ID_WORDS);
    this.offsets[slot] = offset;
    this.digests[slot] = digest;
    if (present !== EMPTY) return;
    this.taken++;
    if (this.taken * 3 > this.slots * 2) this.grow();
  }

  /** The slot that holds the id, or the empty one where it would go. */
  private slotOf(words: Uint32Array): number {
    const mask = this.slots - 1;
    let slot = hashOf(words) & mask;
    while (this.offsets[slot] !== EMPTY && !this.holds(slot, words)) slot = (slot + 1) & mask;
    return slot;
  }

  private holds(slot: number, words: Uint32Array): boolean {
    const at = slot * ID_WORDS;
    return (
      this.ids[at] === words[0] &&
      this.ids[at + 1] === words[1] &&
      this.ids[at + 2] === words[2] &&
      this.ids[at + 3] === words[3]
    );
  }

  private grow(): void {
    const { ids, offsets, digests, slots } = this;
    this.slots = slots * 2;
    this.ids = new Uint32Array(this.slots * ID_WORDS);
    this.offsets = new Float64Array(this.slots).fill(EMPTY);
    this.digests = new BigUint64Array(this.slots);
    for (let old = 0; old < slots; old++) {
      if (offsets[old] === EMPTY) continue;
      const words = ids.subarray(old * ID_WORDS, (old + 1) * ID_WORDS);
      const slot = this.slotOf(words);
      this.ids.set(words, slot * ID_WORDS);
      this.offsets[slot] = offsets[old] ?? EMPTY;
      this.digests[slot] = digests[old] ?? 0n;
    }
  }
}

const wordsOf = (id: Uint8Array): Uint32Array => {
  const words = new Uint32Array(ID_WORDS);
  for (let i = 0; i < ID_WORDS; i++) {
    const at = i * 4;
    words[i] =
      ((id[at] ?? 0) << 24) |
      ((id[at + 1] ?? 0) << 16) |
      ((id[at + 2] ?? 0) << 8) |
      (id[at + 3] ?? 0);
  }
  return words;
};

/**
 * Ids are chosen by providers: with a hash that they could work out, crafted ids would all fall into
 * one place and make each look-up slow. Where an id lies in the table decides nothing else.
 */
const SECRET = Uint32Array.from({ length: ID_WORDS + 1 }, () => randomBytes(4).readUInt32LE(0));

const hashOf = (words: Uint32Array): number => {
  let hash = SECRET[ID_WORDS] ?? 0;
  for (let i = 0; i < ID_WORDS; i++) {
    hash = Math.imul(hash ^ (words[i] ?? 0) ^ (SECRET[i] ?? 0), (SECRET[i] ?? 0) | 1);
    hash ^= hash >>> 15;
    hash = Math.imul(hash, 0x2c1b3c6d);
    hash ^= hash >>> 13;
  }
  return hash >>> 0;
};
