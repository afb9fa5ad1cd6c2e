import { grown, withRoom } from './growing.ts';
import { lowerWord, writeLength } from './text-bytes.ts';

const LENGTH_BYTES = 5;

/** The dictionary of a column: its texts. The first one is empty, and stands for null if need be. */
export class Dictionary {
  private bytes: Buffer = Buffer.alloc(0);
  private at = 0;
  private count = 0;
  /** Where the text of each entry begins, after its length. */
  private starts = new Uint32Array(16);
  private ends = new Uint32Array(16);

  constructor() {
    this.add(this.bytes, 0, 0);
  }

  get size(): number {
    return this.count;
  }

  get written(): Uint8Array {
    return this.bytes.subarray(0, this.at);
  }

  /** Adds a text as the next entry. */
  add(from: Buffer, at: number, length: number): void {
    this.bytes = withRoom(this.bytes, this.at, LENGTH_BYTES + length);
    const start = writeLength(this.bytes, this.at, length);
    from.copy(this.bytes, start, at, at + length);
    this.at = start + length;
    const entry = this.count++;
    this.starts = grown(this.starts, entry + 1);
    this.ends = grown(this.ends, entry + 1);
    this.starts[entry] = start;
    this.ends[entry] = this.at;
  }

  textOf(entry: number): string {
    return this.bytes.toString('utf8', this.starts[entry], this.ends[entry]);
  }

  /** The same texts with ASCII letters in lower case. */
  lowered(): { readonly size: number; readonly written: Uint8Array } {
    const written = Buffer.from(this.written);
    for (let entry = 0; entry < this.count; entry++) {
      const end = this.ends[entry] ?? 0;
      for (let at = this.starts[entry] ?? 0; at < end; at++) {
        written[at] = lowerWord(written[at] ?? 0);
      }
    }
    return { size: this.count, written };
  }
}
