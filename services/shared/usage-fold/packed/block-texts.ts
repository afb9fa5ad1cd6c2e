import { countOf, lengthOf, placeOf, type TextPlaces, type Texts } from './event-layout.ts';
import { Dictionary } from './dictionary.ts';
import { grown } from './growing.ts';
import { lowCardinality, type NativeColumn, type RowRange } from './native-block.ts';
import type { TextEntries } from './text-entries.ts';

/** A text of each row: its column, and whether it may be null. */
interface BlockText {
  readonly column: string;
  readonly isNullable: boolean;
}

/**
 * Some texts for each row of a block. A combination is copied when the first row has it, and combinations
 * are numbered from 1. So the block does not depend on the table from which the texts came.
 */
export class BlockTexts {
  /** The combination of each row. */
  private rows = new Uint32Array(16);
  private combinations = 0;
  private readonly texts: readonly BlockText[];
  private readonly dictionaries: readonly Dictionary[];
  /** For each combination, which of its texts are null: one bit for each text. */
  private nulls = new Uint32Array(16);
  /** The bytes of the texts of each combination. */
  private sizes = new Uint32Array(16);
  /** The combination of each entry of the table; 0 if it has none yet. */
  private known = new Uint32Array(16);
  private table: TextEntries | null = null;

  /** @param texts at most 32 */
  constructor(texts: readonly BlockText[]) {
    this.texts = texts;
    this.dictionaries = texts.map(() => new Dictionary());
  }

  /** The bytes of the texts of some rows, as if each row had its own. */
  bytesOf({ from, to }: RowRange): number {
    let bytes = 0;
    for (let row = from; row < to; row++) bytes += this.sizes[this.rows[row] ?? 0] ?? 0;
    return bytes;
  }

  /** Sets the texts of the next row to those of an entry of a table. */
  setEntry(row: number, table: TextEntries, entry: number): void {
    if (this.table !== table) {
      this.table = table;
      this.known = new Uint32Array(table.size);
    }
    this.known = grown(this.known, entry + 1);
    this.rows = grown(this.rows, row + 1);
    const known = this.known[entry] ?? 0;
    const combination = known === 0 ? this.enter(table, entry) : known;
    this.rows[row] = combination;
  }

  /** Sets the texts of the next row to those at the given places. */
  setOwn(row: number, bytes: Buffer, places: TextPlaces): void {
    this.rows = grown(this.rows, row + 1);
    this.rows[row] = this.begin();
    for (let text = 0; text < countOf(places); text++) {
      this.put(text, bytes, placeOf(places, text), lengthOf(places, text));
    }
  }

  /** For some rows, a column for each text. */
  columns(rows: RowRange): NativeColumn[] {
    return this.texts.map(({ column, isNullable }, text) => {
      const dictionary = this.dictionary(text);
      return isNullable
        ? this.nullableColumn(column, text, rows)
        : lowCardinality(column, 'String', dictionary, this.rows, rows);
    });
  }

  private nullableColumn(name: string, text: number, rows: RowRange): NativeColumn {
    const indexes = this.rows.slice(rows.from, rows.to);
    for (let row = 0; row < indexes.length; row++) {
      if (this.isNull(indexes[row] ?? 0, text)) indexes[row] = 0;
    }
    const all = { from: 0, to: indexes.length };
    return lowCardinality(name, 'Nullable(String)', this.dictionary(text), indexes, all);
  }

  /** The column of one of the texts with ASCII letters in lower case. */
  loweredColumn(text: number, name: string, rows: RowRange): NativeColumn {
    return lowCardinality(name, 'String', this.dictionary(text).lowered(), this.rows, rows);
  }

  /** The texts of a row as strings. */
  stringsOf(row: number): Texts {
    const combination = this.rows[row] ?? 0;
    return this.dictionaries.map((dictionary, text) =>
      this.isNull(combination, text) ? null : dictionary.textOf(combination),
    );
  }

  private enter(table: TextEntries, entry: number): number {
    const combination = this.begin();
    let at = table.startOf(entry);
    for (let text = 0; text < this.texts.length; text++) {
      const length = table.lengthOf(entry, text);
      this.put(text, table.source.bytes, at, length);
      at += Math.max(0, length);
    }
    this.known[entry] = combination;
    return combination;
  }

  private begin(): number {
    this.nulls = grown(this.nulls, ++this.combinations + 1);
    this.sizes = grown(this.sizes, this.combinations + 1);
    return this.combinations;
  }

  private put(text: number, bytes: Buffer, at: number, length: number): void {
    this.dictionary(text).add(bytes, at, Math.max(0, length));
    this.sizes[this.combinations] = (this.sizes[this.combinations] ?? 0) + Math.max(0, length);
    if (length < 0)
      this.nulls[this.combinations] = (this.nulls[this.combinations] ?? 0) | (1 << text);
  }

  private isNull(combination: number, text: number): boolean {
    return ((this.nulls[combination] ?? 0) & (1 << text)) !== 0;
  }

  private dictionary(text: number): Dictionary {
    const dictionary = this.dictionaries[text];
    if (!dictionary) throw new RangeError(`there is no text ${String(text)}`);
    return dictionary;
  }
}
