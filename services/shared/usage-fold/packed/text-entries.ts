import type { Digest } from '../content-digest.ts';
import { grown, withRoom } from './growing.ts';
import { HashIndex } from './hash-index.ts';

/**
 * What is computed once for each combination of texts: their RowBinary in one buffer, which is copied into
 * rows, their digest, and their hash, by which they are found.
 */
export class TextEntries {
  texts: Buffer = Buffer.alloc(0);
  protected readonly index = new HashIndex();
  /** Where each entry ends in `texts`. */
  private ends = new Uint32Array(16);
  private digests = new Uint32Array(32);

  /** Bytes of all texts. */
  protected get textBytes(): number {
    return this.startOf(this.index.size);
  }

  startOf(entry: number): number {
    return entry === 0 ? 0 : (this.ends[entry - 1] ?? 0);
  }

  endOf(entry: number): number {
    return this.ends[entry] ?? 0;
  }

  digestHigh(entry: number): number {
    return this.digests[entry * 2] ?? 0;
  }

  digestLow(entry: number): number {
    return this.digests[entry * 2 + 1] ?? 0;
  }

  /**
   * Adds texts of at most `most` bytes. `write` writes them at a position and returns the position after
   * them.
   */
  protected append(
    hash: number,
    digest: Digest,
    most: number,
    write: (into: Buffer, at: number) => number,
  ): number {
    const at = this.textBytes;
    const entry = this.index.add(hash);
    this.texts = withRoom(this.texts, at, most);
    this.ends = grown(this.ends, entry + 1);
    this.digests = grown(this.digests, entry * 2 + 2);
    this.ends[entry] = write(this.texts, at);
    this.digests[entry * 2] = digest.high;
    this.digests[entry * 2 + 1] = digest.low;
    return entry;
  }
}
