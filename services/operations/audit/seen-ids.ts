import { randomBytes } from 'node:crypto';
import { readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';

/** Four words for an id, two for the digest of its content. */
const WORDS = 6;
const FIRST_SLOTS = 64;

/** Providers choose ids, but must not be able to choose their slots. */
const SEED = randomBytes(4).readUInt32LE(0);

/** The ids of one usage hour, with open addressing. An empty slot has 0 as its last word. */
interface Table {
  words: Uint32Array;
  taken: number;
  /** Whether its file is up to date. */
  isStored: boolean;
}

const slotsOf = ({ words }: Table): number => words.length / WORDS;

/** The first word of the slot that holds the id, or of the empty slot where it would go. */
const placeIn = (table: Table, id: Uint32Array): number => {
  const { words } = table;
  const slots = slotsOf(table);
  let hash = SEED;
  for (let i = 0; i < 4; i++) {
    hash = Math.imul(hash ^ (id[i] ?? 0), 0x9e3779b1);
    hash ^= hash >>> 15;
  }
  for (let slot = (hash >>> 0) % slots; ; slot = (slot + 1) % slots) {
    const at = slot * WORDS;
    if (words[at + 5] === 0) return at;
    if (
      words[at] === id[0] &&
      words[at + 1] === id[1] &&
      words[at + 2] === id[2] &&
      words[at + 3] === id[3]
    ) {
      return at;
    }
  }
};

const grown = (table: Table): Uint32Array => {
  const larger: Table = { ...table, words: new Uint32Array(table.words.length * 2) };
  for (let at = 0; at < table.words.length; at += WORDS) {
    if (table.words[at + 5] === 0) continue;
    const entry = table.words.subarray(at, at + WORDS);
    larger.words.set(entry, placeIn(larger, entry));
  }
  return larger.words;
};

/**
 * The ids accepted on one partition, by usage hour. When all tables together exceed a bound, the least
 * recently used ones go to files. Nothing is ever forgotten, because rules may raise the age up to which
 * usage is accepted.
 */
export class SeenIds {
  /** In order of use, the least recently used table first. */
  private readonly tables = new Map<number, Table>();
  /** The number of ids in each table's file. */
  private readonly inFiles = new Map<number, number>();
  private readonly directory: string;
  private readonly maxBytes: number;
  private readonly id = new Uint32Array(4);
  private bytes = 0;

  constructor(directory: string, maxBytes: number) {
    this.directory = directory;
    this.maxBytes = maxBytes;
  }

  knows(usageHour: number): boolean {
    return this.tables.has(usageHour) || this.inFiles.has(usageHour);
  }

  /** Adds an id if it is new. If it is known, returns `same` or `other`, depending on its content. */
  enter(usageHour: number, eventId: Buffer, content: bigint): 'new' | 'same' | 'other' {
    const table = this.tableOf(usageHour);
    for (let word = 0; word < 4; word++) this.id[word] = eventId.readUInt32LE(word * 4);
    const at = placeIn(table, this.id);
    const { words } = table;
    const low = Number(content & 0xffff_ffffn);
    const high = Number(content >> 32n) || 1;
    if (words[at + 5] !== 0) {
      return words[at + 4] === low && words[at + 5] === high ? 'same' : 'other';
    }
    words.set(this.id, at);
    words[at + 4] = low;
    words[at + 5] = high;
    table.taken++;
    table.isStored = false;
    if (table.taken * 4 > slotsOf(table) * 3) {
      table.words = grown(table);
      this.bytes += words.byteLength;
      this.moveToFiles(usageHour);
    }
    return 'new';
  }

  /** Creates an empty table for a usage hour if there is none. */
  begin(usageHour: number): void {
    this.tableOf(usageHour);
  }

  clear(): void {
    for (const hour of this.inFiles.keys()) rmSync(this.fileOf(hour), { force: true });
    this.inFiles.clear();
    this.tables.clear();
    this.bytes = 0;
  }

  private fileOf(usageHour: number): string {
    return join(this.directory, `${String(usageHour)}.ids`);
  }

  private tableOf(usageHour: number): Table {
    const found = this.tables.get(usageHour);
    const table = found ?? this.fromFile(usageHour) ?? newTable();
    if (found) this.tables.delete(usageHour);
    else this.bytes += table.words.byteLength;
    this.tables.set(usageHour, table);
    if (!found) this.moveToFiles(usageHour);
    return table;
  }

  private fromFile(usageHour: number): Table | null {
    const taken = this.inFiles.get(usageHour);
    if (taken === undefined) return null;
    const file = this.fileOf(usageHour);
    const { buffer, byteOffset, byteLength } = readFileSync(file);
    const words = new Uint32Array(buffer.slice(byteOffset, byteOffset + byteLength));
    return { words, taken, isStored: true };
  }

  private moveToFiles(used: number): void {
    for (const [hour, { words, taken, isStored }] of this.tables) {
      if (this.bytes <= this.maxBytes) return;
      if (hour === used) continue;
      if (!isStored) writeFileSync(this.fileOf(hour), words);
      this.inFiles.set(hour, taken);
      this.tables.delete(hour);
      this.bytes -= words.byteLength;
    }
  }
}

const newTable = (): Table => ({
  words: new Uint32Array(FIRST_SLOTS * WORDS),
  taken: 0,
  isStored: false,
});
