import { grown } from './growing.ts';

export const NONE = -1;

/**
 * Finds entries by hash. Entries are numbered from 0 as they are added. Open addressing, at most two thirds
 * of the slots taken. To look one up, walk from `begin(hash)` with `next` until `at` is NONE, and compare
 * the entries on the way.
 */
export class HashIndex {
  private hashes = new Int32Array(16);
  /** The number of an entry plus one; 0 for an empty slot. */
  private slots = new Int32Array(64);
  private count = 0;

  get size(): number {
    return this.count;
  }

  begin(hash: number): number {
    return hash & (this.slots.length - 1);
  }

  next(slot: number): number {
    return (slot + 1) & (this.slots.length - 1);
  }

  /** The entry in a slot, or NONE. */
  at(slot: number): number {
    return (this.slots[slot] ?? 0) - 1;
  }

  hashOf(entry: number): number {
    return this.hashes[entry] ?? 0;
  }

  /** Adds the next entry and returns its number. */
  add(hash: number): number {
    const entry = this.count++;
    this.hashes = grown(this.hashes, entry + 1);
    this.hashes[entry] = hash;
    if ((entry + 1) * 3 > this.slots.length * 2) this.grow();
    this.enter(entry);
    return entry;
  }

  private grow(): void {
    this.slots = new Int32Array(this.slots.length * 2);
    for (let entry = 0; entry < this.count - 1; entry++) this.enter(entry);
  }

  private enter(entry: number): void {
    let slot = this.begin(this.hashOf(entry));
    while (this.at(slot) !== NONE) slot = this.next(slot);
    this.slots[slot] = entry + 1;
  }
}
