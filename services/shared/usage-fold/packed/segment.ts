import type { PackedRows, Rows } from '../rows.ts';

/** Rows in columns. More of them may be added at the end, and those that are there do not change any more. */
export interface Block<T> {
  readonly length: number;
  row(row: number): T;
  /** Rows from one up to another one that is not included, as they are sent. They stay as they are when more are added. */
  packed(from: number, to: number): PackedRows;
}

/** Some successive rows of a block: those of one cut. */
export class Segment<T> implements Rows<T> {
  private readonly block: Block<T>;
  private readonly from: number;
  private readonly to: number;

  constructor(block: Block<T>, from: number, to: number) {
    this.block = block;
    this.from = from;
    this.to = to;
  }

  get length(): number {
    return this.to - this.from;
  }

  *[Symbol.iterator](): Iterator<T> {
    for (let row = this.from; row < this.to; row++) yield this.block.row(row);
  }

  packed(): PackedRows {
    return this.block.packed(this.from, this.to);
  }

  /** The rows of this one and the next one; null if they do not follow one another in one block. */
  joined(next: Segment<T>): Segment<T> | null {
    return next.block === this.block && next.from === this.to
      ? new Segment(this.block, this.from, next.to)
      : null;
  }
}

/** The same rows in as few segments as possible: each is sent with texts of its own. */
export const joined = <T>(given: readonly Rows<T>[]): Rows<T>[] => {
  const few: Rows<T>[] = [];
  for (const rows of given) {
    const last = few.at(-1);
    const both = last instanceof Segment && rows instanceof Segment ? last.joined(rows) : null;
    if (both) few[few.length - 1] = both as Rows<T>;
    else few.push(rows);
  }
  return few;
};
