import type { Digest } from '../content-digest.ts';
import { lengthOf, placeOf, type TextPlaces, type Texts } from './event-layout.ts';
import { grown, withRoom } from './growing.ts';
import { HashIndex, NONE } from './hash-index.ts';
import { equalBytes, hashBytes, hashStart } from './text-bytes.ts';
import { ViewedBytes } from './viewed-bytes.ts';

/**
 * Combinations of some texts, each combination once: the texts, one after another in one buffer, their
 * digest, and their hash to find them by.
 */
export class TextEntries {
  /** The texts of all entries. */
  readonly source = new ViewedBytes();
  protected readonly index = new HashIndex();
  /** Where each entry ends in them. */
  private ends = new Uint32Array(16);
  /** Of each text of an entry its length; -1 for null. */
  private lengths = new Int32Array(16);
  private digests = new Int32Array(32);
  /** How many texts make an entry. */
  private readonly each: number;

  constructor(each: number) {
    this.each = each;
  }

  get size(): number {
    return this.index.size;
  }

  /** Bytes of all texts. */
  protected get textBytes(): number {
    return this.startOf(this.index.size);
  }

  startOf(entry: number): number {
    return entry === 0 ? 0 : (this.ends[entry - 1] ?? 0);
  }

  /** The length of one of the texts of an entry; -1 for null. */
  lengthOf(entry: number, text: number): number {
    return this.lengths[entry * this.each + text] ?? 0;
  }

  digestHigh(entry: number): number {
    return this.digests[entry * 2] ?? 0;
  }

  digestLow(entry: number): number {
    return this.digests[entry * 2 + 1] ?? 0;
  }

  hash({ view }: ViewedBytes, places: TextPlaces): number {
    let hash = hashStart();
    for (let text = 0; text < this.each; text++) {
      const length = lengthOf(places, text);
      if (length >= 0) hash = hashBytes(hash, view, placeOf(places, text), length);
    }
    return hash;
  }

  /** The entry of these texts; -1 if there is none yet. */
  find(source: ViewedBytes, places: TextPlaces, hash: number): number {
    const { index } = this;
    for (let slot = index.begin(hash); ; slot = index.next(slot)) {
      const entry = index.at(slot);
      if (entry === NONE) return NONE;
      if (index.hashOf(entry) === hash && this.is(entry, source, places)) return entry;
    }
  }

  /** Whether an entry has exactly these texts. */
  is(entry: number, source: ViewedBytes, places: TextPlaces): boolean {
    const { view } = this.source;
    let at = this.startOf(entry);
    for (let text = 0; text < this.each; text++) {
      const length = this.lengthOf(entry, text);
      if (length !== lengthOf(places, text)) return false;
      if (length <= 0) continue;
      if (!equalBytes(view, at, source.view, placeOf(places, text), length)) return false;
      at += length;
    }
    return true;
  }

  /** The texts of an entry as strings. */
  stringsOf(entry: number): Texts {
    const { bytes } = this.source;
    let at = this.startOf(entry);
    return Array.from({ length: this.each }, (_, text) => {
      const length = this.lengthOf(entry, text);
      if (length < 0) return null;
      at += length;
      return bytes.toString('utf8', at - length, at);
    });
  }

  /** Adds texts that `find` has not found. Returns their entry. */
  add({ bytes }: ViewedBytes, places: TextPlaces, hash: number, digest: Digest): number {
    const { each } = this;
    let at = this.textBytes;
    const entry = this.index.add(hash);
    this.lengths = grown(this.lengths, (entry + 1) * each);
    for (let text = 0; text < each; text++) {
      const length = lengthOf(places, text);
      this.lengths[entry * each + text] = length;
      if (length <= 0) continue;
      this.source.set(withRoom(this.source.bytes, at, length));
      bytes.copy(this.source.bytes, at, placeOf(places, text), placeOf(places, text) + length);
      at += length;
    }
    this.ends = grown(this.ends, entry + 1);
    this.ends[entry] = at;
    this.digests = grown(this.digests, entry * 2 + 2);
    this.digests[entry * 2] = digest.high;
    this.digests[entry * 2 + 1] = digest.low;
    return entry;
  }
}
