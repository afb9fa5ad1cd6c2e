import type { ClickHouseClient } from '@clickhouse/client';
import { createHash } from 'node:crypto';
import type { SourcePartition } from '../../shared/model/source.ts';
import { uuidText } from '../../shared/model/usage-event.ts';
import type { AcceptedEvent } from './recount.ts';
import { instant, millisecond, OF_PARTITION, partitionParams, storedRows } from './stored-rows.ts';
import { TEXTS } from './texts.ts';

/** The number of offsets whose ledger rows are digested together. */
export const CELL_OFFSETS = 1_000;
/** The number of offsets of one query: a partition needs few queries, and each one ends soon. */
const CHUNK_OFFSETS = 2_000_000;

/** The number of rows of one cell, on one side of the floor, and the XOR of their digests. */
export interface CellDigest {
  readonly rows: number;
  readonly digest: string;
}

/** The first offset of the cell that contains an offset. */
export const cellStart = (offset: number): number => offset - (offset % CELL_OFFSETS);

/** The name of a cell: its first offset, and whether its usage started before the floor. */
export const cellName = (offset: number, isTrimmed: boolean): string =>
  `${String(cellStart(offset))}${isTrimmed ? ' trimmed' : ''}`;

/** Length-prefixed text, so that no two lists of texts look the same. */
const sized = (text: string | null): string =>
  text === null ? ' n' : ` ${String(Buffer.byteLength(text))}:${text}`;

const rowText = (event: AcceptedEvent): string => {
  const { usage } = event;
  return (
    [
      event.offset,
      uuidText(usage.eventId),
      event.contentDigest,
      event.reportedTime,
      event.reportedHour,
      event.usageHour,
      usage.start,
      usage.end,
      event.quantity,
    ].join(' ') + TEXTS.map(({ name }) => sized(usage[name])).join('')
  );
};

const sizedSql = (column: string): string =>
  `ifNull(concat(' ', toString(length(t.${column})), ':', t.${column}), ' n')`;

/** `rowText` of a stored row. A decimal becomes its digits, as a 32-byte integer. */
const ROW_TEXT = `concat(${[
  't.offset',
  't.event_id',
  't.content_digest',
  millisecond('reported_time'),
  instant('reported_hour'),
  instant('usage_hour'),
  millisecond('usage_start'),
  millisecond('usage_end'),
  'reinterpretAsInt256(t.quantity)',
]
  .map((column) => `toString(${column})`)
  .join(", ' ', ")}, ${TEXTS.map(({ column }) => sizedSql(column)).join(', ')})`;

/** Digests the events of a page by cell. */
export const digestEvents = (
  events: readonly AcceptedEvent[],
  floor: number,
): ReadonlyMap<string, CellDigest> => {
  const cells = new Map<string, { rows: number; words: Uint32Array }>();
  for (const event of events) {
    const name = cellName(event.offset, event.usage.start < floor);
    let cell = cells.get(name);
    if (!cell) cells.set(name, (cell = { rows: 0, words: new Uint32Array(4) }));
    cell.rows++;
    const digest = createHash('md5').update(rowText(event)).digest();
    for (let word = 0; word < 4; word++) {
      cell.words[word] = (cell.words[word] ?? 0) ^ digest.readUInt32LE(word * 4);
    }
  }
  return new Map(
    [...cells].map(([name, { rows, words }]) => [name, { rows, digest: numberOf(words) }]),
  );
};

const numberOf = (words: Uint32Array): string =>
  String(words.reduceRight((sum, word) => (sum << 32n) | BigInt(word), 0n));

/**
 * A summary of a partition's ledger. The ledger is ordered by usage hour and id, so reading its rows page
 * by page in the order of the log would read all of it for every page. Digests over ranges of offsets need
 * only a few passes. A row that differs, is missing or is surplus changes a digest, and only then are the
 * rows themselves read.
 */
export class LedgerDigests {
  private readonly client: ClickHouseClient;
  private readonly at: SourcePartition;
  private readonly floor: number;
  private readonly from: number;
  private readonly end: number;
  private readBefore: number;
  private cells = new Map<string, CellDigest>();

  /** Covers offsets from `from` up to `end`. */
  constructor(
    client: ClickHouseClient,
    at: SourcePartition,
    range: { readonly from: number; readonly end: number },
    floor: number,
  ) {
    this.client = client;
    this.at = at;
    this.floor = floor;
    this.from = range.from;
    this.end = range.end;
    this.readBefore = cellStart(range.from);
  }

  /** The cells of a page. Each cell is returned once. */
  async take(from: number, end: number): Promise<ReadonlyMap<string, CellDigest>> {
    while (this.readBefore < Math.min(end, this.end)) await this.readChunk();
    const found = new Map<string, CellDigest>();
    for (let offset = cellStart(from); offset < end; offset += CELL_OFFSETS) {
      for (const name of [cellName(offset, false), cellName(offset, true)]) {
        const cell = this.cells.get(name);
        if (cell) found.set(name, cell);
        this.cells.delete(name);
      }
    }
    return found;
  }

  private async readChunk(): Promise<void> {
    const from = Math.max(this.readBefore, this.from);
    this.readBefore += CHUNK_OFFSETS;
    const rows = storedRows(
      this.client,
      `SELECT intDiv(t.offset, ${String(CELL_OFFSETS)}) AS cell,
         t.usage_start < fromUnixTimestamp64Milli({trimmed:Int64}) AS is_trimmed, count(),
         toString(groupBitXor(reinterpretAsUInt128(MD5(${ROW_TEXT}))))
       FROM usage_events AS t FINAL
       WHERE ${OF_PARTITION} AND t.offset >= {from:UInt64} AND t.offset < {end:UInt64}
       GROUP BY cell, is_trimmed`,
      {
        ...partitionParams(this.at),
        trimmed: this.floor,
        from,
        end: Math.min(this.readBefore, this.end),
      },
    );
    for await (const [cell, isTrimmed, count, digest] of rows) {
      this.cells.set(cellName(Number(cell) * CELL_OFFSETS, Number(isTrimmed) === 1), {
        rows: Number(count),
        digest: String(digest),
      });
    }
  }
}
