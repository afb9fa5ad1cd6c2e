import type { ClickHouseClient } from '@clickhouse/client';
import type { SourcePartition } from '../../shared/model/source.ts';
import { contradiction, type Value, type Values } from '../audit/differences.ts';
import {
  OF_PARTITION,
  partitionParams,
  selected,
  shortest,
  storedRows,
} from '../audit/stored-rows.ts';
import type { RecordTable } from './record-table.ts';

/** Offsets from the first on and before the end. */
export interface Offsets {
  readonly from: number;
  readonly end: number;
}

/** Reported times from the start on and before the end, in milliseconds. */
export interface Times {
  readonly start: number;
  readonly end: number;
}

/** A page of the log with all that the recount found in it. */
export interface Page<Found> extends Offsets {
  readonly found: readonly Found[];
  /** Its records that were reported within the range; null where none were. */
  readonly within: Offsets | null;
}

/** Rows of one record that are not what the log gives. */
export interface Mend<Found> {
  readonly offset: number;
  readonly kind: 'missing' | 'phantom' | 'differs';
  /** What a person knows it by: the id of the event, or why the record was refused. */
  readonly name: string;
  readonly problem: string;
  /** Reported times, in milliseconds, that its rows say, and that the log does. */
  readonly reported: readonly number[];
  /** What is to be inserted; null where nothing is due. */
  readonly insert: Found | null;
  /** Which copies at this offset are to be deleted. */
  readonly wrong: readonly string[];
}

/** Tells copies of a row apart; a number, so that it can stand in a statement as it is. */
export const copyDigest = ({ stored }: RecordTable<never>): string =>
  `sipHash64(toString(tuple(${stored})))`;

/**
 * Holds the rows of a page's records against the recount: those that were reported within the range,
 * and those whose rows say so. Every copy of a row counts, also one that another replaces: the aggregator reads
 * the ids of the ledger without `FINAL`.
 */
export const comparePage = async <Found>(
  client: ClickHouseClient,
  table: RecordTable<Found>,
  at: SourcePartition,
  times: Times,
  page: Page<Found>,
  mayBeMissing: (found: Found) => boolean,
): Promise<readonly Mend<Found>[]> => {
  const columns = Object.keys(table.columns);
  const quantity = columns.indexOf('quantity');
  const copies = new Map<number, Value[][]>();
  const rows = storedRows(
    client,
    `SELECT ${selected(table.columns)}, toString(${copyDigest(table)}) FROM ${table.name} AS t
     WHERE ${OF_PARTITION} AND t.offset >= {from:UInt64} AND t.offset < {before:UInt64}
       AND ((${table.reportedWithin})
         OR (t.offset >= {withinFrom:UInt64} AND t.offset < {withinEnd:UInt64}))`,
    {
      ...partitionParams(at),
      ...times,
      from: page.from,
      before: page.end,
      withinFrom: page.within?.from ?? 0,
      withinEnd: page.within?.end ?? 0,
    },
  );
  for await (const row of rows) {
    if (quantity >= 0) row[quantity] = shortest(row[quantity]);
    const offset = Number(row[0]);
    const others = copies.get(offset);
    if (others) others.push(row);
    else copies.set(offset, [row]);
  }

  const mends: Mend<Found>[] = [];
  for (const found of page.found) {
    const offset = table.offsetOf(found);
    const stored = copies.get(offset);
    copies.delete(offset);
    const mend = stored
      ? differing(table, found, stored)
      : isWithin(times, table.reportedOf(found)) && !mayBeMissing(found)
        ? missing(table, found)
        : null;
    if (mend) mends.push(mend);
  }
  for (const [offset, stored] of copies) mends.push(phantom(table, offset, stored));
  return mends.sort((a, b) => a.offset - b.offset);
};

export const isWithin = ({ start, end }: Times, time: number): boolean =>
  time >= start && time < end;

const nameOf = ([, name]: Values): string => String(name);

const missing = <Found>(table: RecordTable<Found>, found: Found): Mend<Found> => ({
  offset: table.offsetOf(found),
  kind: 'missing',
  name: nameOf(table.values(found)),
  problem: 'is not stored',
  reported: [table.reportedOf(found)],
  insert: found,
  wrong: [],
});

const differing = <Found>(
  table: RecordTable<Found>,
  found: Found,
  stored: readonly Value[][],
): Mend<Found> | null => {
  const columns = Object.keys(table.columns);
  const expected = table.values(found);
  const judged = stored.map((row) => ({ row, problem: contradiction(columns, expected, row) }));
  const wrong = judged.filter(({ problem }) => problem !== null);
  if (wrong.length === 0) return null;
  return {
    offset: table.offsetOf(found),
    kind: 'differs',
    name: nameOf(expected),
    problem: wrong[0]?.problem ?? '',
    reported: [
      table.reportedOf(found),
      ...reportedIn(
        table,
        wrong.map(({ row }) => row),
      ),
    ],
    // Also where the right row stands there: a merge may have put a wrong copy in its place by then.
    insert: found,
    wrong: wrong.map(({ row }) => digestIn(table, row)),
  };
};

const phantom = <Found>(
  table: RecordTable<Found>,
  offset: number,
  stored: readonly Value[][],
): Mend<Found> => ({
  offset,
  kind: 'phantom',
  name: nameOf(stored[0] ?? []),
  problem: 'is stored, and the log gives none there',
  reported: reportedIn(table, stored),
  insert: null,
  wrong: stored.map((row) => digestIn(table, row)),
});

const digestIn = (table: RecordTable<never>, row: Values): string =>
  String(row[Object.keys(table.columns).length]);

const reportedIn = (table: RecordTable<never>, rows: readonly Values[]): readonly number[] =>
  rows.map((row) => Number(row[table.reported]));
