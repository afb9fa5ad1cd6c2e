import type { Hour } from '../model/time.ts';
import { EventTable, type ByteCount } from './event-table.ts';

/** A table begins small if the bound has no room for so many like the last one. */
const MOST_TABLES = 8;

/**
 * The ids accepted on one partition, with a table for each usage hour. A table is complete or absent: it is
 * loaded from the ledger before the first record of its hour is counted. Tables with ids that the ledger
 * has not acknowledged are pinned. The others are evicted, least recently used first, to stay within the
 * bound on bytes.
 */
export class EventIndex {
  /** In order of use, the least recently used table first. */
  private readonly tables = new Map<Hour, EventTable>();
  /** Hours with unacknowledged ids, and the last cut that contains such ids. */
  private readonly pinned = new Map<Hour, number>();
  private cuts = 0;
  private readonly maxBytes: number;
  /** Of all tables: there may be thousands, and this is asked for often. */
  private readonly count: ByteCount = { bytes: 0 };
  /** The table that was used last. */
  private last: EventTable | null = null;

  constructor(maxBytes: number) {
    this.maxBytes = maxBytes;
  }

  get bytes(): number {
    return this.count.bytes;
  }

  missing(hours: Iterable<Hour>): Hour[] {
    return [...new Set(hours)].filter((hour) => !this.tables.has(hour));
  }

  put(hour: Hour, table: EventTable): void {
    this.tables.get(hour)?.countIn(null);
    table.countIn(this.count);
    this.tables.set(hour, table);
    this.last = table;
  }

  /** Adds an empty table for an hour. It will about hold as many ids as the table that was used last. */
  begin(hour: Hour): void {
    const { last } = this;
    const isSmall = last !== null && last.bytes * MOST_TABLES < this.maxBytes;
    this.put(hour, new EventTable(isSmall ? last.size : 0));
  }

  /** The table of an hour. It must have been loaded. */
  table(hour: Hour): EventTable {
    const table = this.tables.get(hour);
    if (!table) throw new Error(`the ids of usage hour ${String(hour)} were not loaded`);
    this.tables.delete(hour);
    this.tables.set(hour, table);
    this.last = table;
    return table;
  }

  /** Keeps the table of an hour until the ledger has acknowledged what was added to it. */
  pin(hour: Hour): void {
    this.pinned.set(hour, this.cuts);
  }

  /** Assigns the ids pinned so far to the chunk that is cut off now. Returns the number of the cut. */
  cut(): number {
    return this.cuts++;
  }

  /** The ledger has stored all ids that were added up to a cut. */
  acknowledged(cut = this.cuts): void {
    for (const [hour, last] of this.pinned) if (last <= cut) this.pinned.delete(hour);
  }

  /** Forgets everything. */
  clear(): void {
    for (const table of this.tables.values()) table.countIn(null);
    this.tables.clear();
    this.last = null;
    this.pinned.clear();
  }

  /**
   * Drops tables until the bound is met. Returns false if the pinned and wanted tables alone exceed it.
   */
  evict(wanted: ReadonlySet<Hour>): boolean {
    if (this.bytes <= this.maxBytes) return true;
    for (const [hour, table] of this.tables) {
      if (this.bytes <= this.maxBytes) break;
      if (this.pinned.has(hour) || wanted.has(hour)) continue;
      this.tables.delete(hour);
      table.countIn(null);
      if (table === this.last) this.last = null;
    }
    return this.bytes <= this.maxBytes;
  }
}
