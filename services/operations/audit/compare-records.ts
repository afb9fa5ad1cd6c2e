import type { ClickHouseClient } from '@clickhouse/client';
import { createHash } from 'node:crypto';
import { formatQuantity } from '../../shared/model/decimal.ts';
import type { SourcePartition } from '../../shared/model/source.ts';
import { uuidText } from '../../shared/model/usage-event.ts';
import { TEXT_COLUMNS, textValues } from './texts.ts';
import {
  contradiction,
  type DifferenceKind,
  type Differences,
  type Value,
  type Values,
} from './differences.ts';
import {
  CELL_OFFSETS,
  cellName,
  cellStart,
  digestEvents,
  type LedgerDigests,
} from './ledger-digests.ts';
import type { AcceptedEvent, RefusedRecord } from './recount.ts';
import {
  instant,
  millisecond,
  OF_PARTITION,
  partitionParams,
  selected,
  shortest,
  storedRows,
  type Columns,
} from './stored-rows.ts';

/** Complete cells of a partition, with all their accepted events and refused records. */
export interface Page {
  readonly from: number;
  readonly end: number;
  readonly accepted: readonly AcceptedEvent[];
  readonly refused: readonly RefusedRecord[];
}

export interface RecordComparison {
  readonly client: ClickHouseClient;
  readonly at: SourcePartition;
  readonly differences: Differences;
  readonly ledger: LedgerDigests;
  /** Usage that started before this may be gone from the ledger; 0 if the ledger was never trimmed. */
  readonly floor: number;
}

const LEDGER: Columns = {
  offset: 't.offset',
  event_id: 'toString(t.event_id)',
  content_digest: 'toString(t.content_digest)',
  reported_time: millisecond('reported_time'),
  reported_hour: instant('reported_hour'),
  usage_hour: instant('usage_hour'),
  usage_start: millisecond('usage_start'),
  usage_end: millisecond('usage_end'),
  ...TEXT_COLUMNS,
  quantity: 'toString(t.quantity)',
};
const LEDGER_COLUMNS = Object.keys(LEDGER);
const QUANTITY = LEDGER_COLUMNS.indexOf('quantity');

const ledgerRow = (event: AcceptedEvent): Values => {
  const { usage } = event;
  return [
    event.offset,
    uuidText(usage.eventId),
    event.contentDigest,
    event.reportedTime,
    event.reportedHour,
    event.usageHour,
    usage.start,
    usage.end,
    ...textValues(usage),
    formatQuantity(event.quantity),
  ];
};

const DEAD_LETTER: Columns = {
  offset: 't.offset',
  code: 't.code',
  reported_time: millisecond('reported_time'),
  record_timestamp: 't.record_timestamp',
  record_key: `if(isNull(t.record_key), NULL, hex(MD5(assumeNotNull(t.record_key))))`,
  record_value: `if(isNull(t.record_value), NULL, hex(MD5(assumeNotNull(t.record_value))))`,
  record_headers: 'hex(MD5(t.record_headers))',
};
const DEAD_LETTER_COLUMNS = Object.keys(DEAD_LETTER);

const md5 = (bytes: Buffer | string | null): string | null =>
  bytes === null ? null : createHash('md5').update(bytes).digest('hex').toUpperCase();

const deadLetterRow = ({ record, code, reportedTime }: RefusedRecord): Values => [
  record.offset,
  code,
  reportedTime,
  record.timestamp,
  md5(record.key),
  md5(record.value),
  md5(JSON.stringify(record.headers)),
];

/** Compares the ledger and the dead letters of a page. Returns the number of rows. */
export const compareRecords = async (
  comparison: RecordComparison,
  page: Page,
): Promise<{ readonly ledger: number; readonly deadLetters: number }> => {
  const ledger = await compareLedger(comparison, page);
  const deadLetters = await compareRows(comparison, {
    kind: 'dead-letter',
    columns: DEAD_LETTER_COLUMNS,
    recounted: new Map(page.refused.map((each) => [each.record.offset, deadLetterRow(each)])),
    stored: storedRows(
      comparison.client,
      `SELECT ${selected(DEAD_LETTER)} FROM dead_letters AS t FINAL WHERE ${IN_RANGE}`,
      rangeParams(comparison, page),
    ),
    final: null,
    mayBeMissing: new Set(),
  });
  return { ledger, deadLetters };
};

const IN_RANGE = `${OF_PARTITION} AND t.offset >= {from:UInt64} AND t.offset < {end:UInt64}`;

const rangeParams = (
  { at }: RecordComparison,
  { from, end }: { readonly from: number; readonly end: number },
): Record<string, unknown> => ({ ...partitionParams(at), from, end });

/** Reads rows only if the digests of cells differ: from the first to the last cell that differs. */
const compareLedger = async (comparison: RecordComparison, page: Page): Promise<number> => {
  const { client, at, ledger, floor } = comparison;
  const stored = await ledger.take(page.from, page.end);
  const recounted = digestEvents(page.accepted, floor);
  let rows = 0;
  const unlike: number[] = [];
  for (let offset = cellStart(page.from); offset < page.end; offset += CELL_OFFSETS) {
    for (const isTrimmed of [false, true]) {
      const name = cellName(offset, isTrimmed);
      const [found, expected] = [stored.get(name), recounted.get(name)];
      rows += found?.rows ?? 0;
      const isAlike = found?.rows === expected?.rows && found?.digest === expected?.digest;
      if (!isAlike && !(isTrimmed && found === undefined)) unlike.push(offset);
    }
  }
  const [first] = unlike;
  if (first === undefined) return rows;
  const range = {
    from: Math.max(page.from, first),
    end: Math.min(page.end, (unlike.at(-1) ?? first) + CELL_OFFSETS),
  };
  const events = page.accepted.filter(({ offset }) => offset >= range.from && offset < range.end);
  const trimmed = events.filter(({ usage }) => usage.start < floor);
  await compareRows(comparison, {
    kind: 'ledger',
    columns: LEDGER_COLUMNS,
    recounted: new Map(events.map((event) => [event.offset, ledgerRow(event)])),
    // Without FINAL, which would merge the entire partition.
    stored: storedRows(
      client,
      `SELECT ${selected(LEDGER)} FROM usage_events AS t WHERE ${IN_RANGE}`,
      rangeParams(comparison, range),
    ),
    final: (offset) =>
      storedRows(
        client,
        `SELECT ${selected(LEDGER)} FROM usage_events AS t FINAL
         WHERE ${OF_PARTITION} AND t.offset = {offset:UInt64}`,
        { ...partitionParams(at), offset },
      ),
    mayBeMissing: new Set(trimmed.map(({ offset }) => offset)),
  });
  return rows;
};

/** Rows that are identified by their offset, in the first column. */
interface Rows {
  readonly kind: DifferenceKind;
  readonly columns: readonly string[];
  readonly recounted: ReadonlyMap<number, Values>;
  readonly stored: AsyncIterable<Value[]>;
  /**
   * Reads the rows that count at an offset with differing copies; null if only rows that count are stored.
   */
  readonly final: ((offset: number) => AsyncIterable<Value[]>) | null;
  readonly mayBeMissing: ReadonlySet<number>;
}

const compareRows = async (
  { at, differences }: RecordComparison,
  { kind, columns, recounted, stored, final, mayBeMissing }: Rows,
): Promise<number> => {
  const rows = new Map<number, Value[]>();
  const unlike = new Set<number>();
  for await (const row of stored) {
    if (kind === 'ledger') row[QUANTITY] = shortest(row[QUANTITY]);
    const offset = Number(row[0]);
    const copy = rows.get(offset); // written again after a crash
    if (copy && contradiction(columns, copy, row)) unlike.add(offset);
    rows.set(offset, row);
  }
  const compare = (offset: number, row: Value[]): void => {
    const expected = recounted.get(offset);
    const problem = expected
      ? contradiction(columns, expected, row)
      : 'is stored, and the log has no such record there';
    if (problem) differences.add(at, kind, rowName(expected ?? row), problem, offset);
  };
  for (const [offset, row] of rows) {
    if (final === null || !unlike.has(offset)) {
      compare(offset, row);
      continue;
    }
    for await (const holding of final(offset)) {
      if (kind === 'ledger') holding[QUANTITY] = shortest(holding[QUANTITY]);
      compare(offset, holding);
    }
  }
  for (const [offset, expected] of recounted) {
    if (rows.has(offset) || mayBeMissing.has(offset)) continue;
    differences.add(at, kind, rowName(expected), 'is not stored', offset);
  }
  return rows.size;
};

/** A row's name: its offset and the second column, which is the event's id or the code. */
const rowName = ([offset, about]: Values): string => `offset ${String(offset)}, ${String(about)}`;
