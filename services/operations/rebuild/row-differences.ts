import type { ClickHouseClient } from '@clickhouse/client';
import { queryRows } from '../../shared/clickhouse/client.ts';
import { OF_PARTITION, partitionParams } from '../../shared/clickhouse/of-partition.ts';
import type { SourcePartition } from '../../shared/model/source.ts';
import type { RecordRows } from './record-rows.ts';

/** Which rows of a partition are compared with the rows in a scratch table. */
export interface Comparison {
  readonly table: RecordRows;
  readonly at: SourcePartition;
  readonly scratch: string;
  /** Reported times in milliseconds. A record is compared if the log, or a stored row, puts it within. */
  readonly start: number;
  readonly end: number;
  /** The time up to which the ledger was trimmed, in milliseconds. */
  readonly floor: number;
  /** The offset up to which the log was folded. */
  readonly folded: number;
  /** Exclusive: rows from there on are not compared. */
  readonly before: number;
}

/** A record whose rows differ from the log. */
export interface DifferingRecord {
  readonly offset: number;
  readonly kind: 'missing' | 'phantom' | 'differs';
  /** The name of the log's row for people; empty if the log gives no row. */
  readonly given: string;
  /** The reported times of the log and of the wrong rows, in milliseconds. */
  readonly reported: readonly number[];
  /** The wrong copies at this offset, by their `copyDigest`. */
  readonly wrong: readonly string[];
}

/** The most differences in memory. */
const PAGE = 20_000;
/** The number of offsets that one join compares. It holds their digests in memory. */
const SLICE = 4_000_000;

/** Tells copies of a row apart. It is a number, so that it can be written into a statement directly. */
export const copyDigest = ({ columns }: RecordRows, of = ''): string => {
  const names = Object.keys(columns).map((column) => `${of}${column}`);
  return `sipHash64(toString(tuple(${names.join(', ')})))`;
};

const sideOf = (table: RecordRows, name: string): string =>
  `(SELECT t.offset AS offset, ${copyDigest(table, 't.')} AS copy, ${table.label} AS label,
    ${table.reported} AS reported, ${table.isWithin} AS within, ${table.mayBeGone} AS gone, 1 AS present
  FROM ${name} AS t
  WHERE ${OF_PARTITION} AND t.offset >= {from:UInt64} AND t.offset < {before:UInt64})`;

/**
 * Every copy of a row counts, even one that another replaces, because the ids of the ledger are read
 * without FINAL.
 */
const IS_WRONG = 'r.present = 1 AND (l.present = 0 OR l.copy != r.copy)';

/** In the order of offsets. `l` is the log's side, `r` the stored one. */
const differing = ({ table, scratch }: Comparison): string => `
SELECT if(l.present = 1, l.offset, r.offset) AS record, max(l.present) AS given, max(r.present) AS stored,
  any(l.label) AS label, toString(any(l.reported)) AS gave,
  arraySort(groupUniqArrayIf(toString(r.copy), ${IS_WRONG})) AS wrong,
  arraySort(groupUniqArrayIf(toString(r.reported), ${IS_WRONG})) AS said
FROM ${sideOf(table, scratch)} AS l FULL OUTER JOIN ${sideOf(table, table.name)} AS r ON l.offset = r.offset
GROUP BY record
HAVING (max(l.within) OR max(r.within)) AND (notEmpty(wrong) OR (stored = 0 AND NOT max(l.gone)))
ORDER BY record LIMIT ${String(PAGE)}`;

interface Row {
  readonly record: string | number;
  readonly given: number;
  readonly stored: number;
  readonly label: string;
  readonly gave: string;
  readonly said: readonly string[];
  readonly wrong: readonly string[];
}

const differenceOf = ({
  record,
  given,
  stored,
  label,
  gave,
  said,
  wrong,
}: Row): DifferingRecord => ({
  offset: Number(record),
  kind: given === 0 ? 'phantom' : stored === 0 ? 'missing' : 'differs',
  given: label,
  reported: [...(given === 1 ? [gave] : []), ...said].map(Number),
  wrong,
});

/** The records whose rows differ from the log, in order and in parts. */
export async function* differingRecords(
  client: ClickHouseClient,
  comparison: Comparison,
): AsyncGenerator<readonly DifferingRecord[], void, undefined> {
  const { at, start, end, floor, folded } = comparison;
  const query = differing(comparison);
  for (let from = 0; from < comparison.before;) {
    // There are few rows, if any, beyond the folded offsets.
    const before =
      from + SLICE < folded ? Math.min(comparison.before, from + SLICE) : comparison.before;
    const params = { ...partitionParams(at), start, end, floor, from, before };
    const found = (await queryRows<Row>(client, query, params)).map(differenceOf);
    if (found.length > 0) yield found;
    const last = found.at(-1);
    from = found.length === PAGE && last ? last.offset + 1 : before;
  }
}

interface Copy {
  readonly offset: string;
  readonly given: number;
  readonly copy: string;
  readonly label: string;
  readonly shown: readonly string[];
}

/** What is wrong with some records, with their names. Their rows are read for this. */
export const problemsOf = async (
  client: ClickHouseClient,
  { table, at, scratch }: Comparison,
  records: readonly DifferingRecord[],
): Promise<
  readonly { readonly record: DifferingRecord; readonly name: string; readonly problem: string }[]
> => {
  if (records.length === 0) return [];
  const offsets = records.map(({ offset }) => String(offset)).join(', ');
  const shown = Object.values(table.columns).map((sql) => `ifNull(toJSONString(${sql}), 'null')`);
  const copiesIn = (name: string, given: number): string =>
    `SELECT toString(t.offset) AS offset, ${String(given)} AS given, toString(${copyDigest(table, 't.')}) AS copy,
       ${table.label} AS label, [${shown.join(', ')}] AS shown
     FROM ${name} AS t WHERE ${OF_PARTITION} AND t.offset IN (${offsets})`;
  const copies = await queryRows<Copy>(
    client,
    `${copiesIn(scratch, 1)} UNION ALL ${copiesIn(table.name, 0)}`,
    partitionParams(at),
    { output_format_json_quote_64bit_integers: 0 },
  );
  const nameOf = (offset: number | string, copy: string): string => `${String(offset)} ${copy}`;
  const given = copies.filter((row) => row.given === 1);
  const expected = new Map(given.map((row) => [row.offset, row]));
  const stored = new Map(
    copies.filter((row) => row.given === 0).map((row) => [nameOf(row.offset, row.copy), row]),
  );
  return records.map((record) => {
    const row = expected.get(String(record.offset));
    const held = stored.get(nameOf(record.offset, record.wrong[0] ?? ''));
    const name = (row ?? held)?.label ?? '';
    if (!held) return { record, name, problem: 'is not stored' };
    if (!row) return { record, name, problem: 'is stored, and the log gives none there' };
    return { record, name, problem: contradiction(table, row.shown, held.shown) };
  });
};

const contradiction = (
  { columns }: RecordRows,
  expected: readonly string[],
  stored: readonly string[],
): string =>
  Object.keys(columns)
    .flatMap((column, n) => {
      const [given = '', held = ''] = [expected[n], stored[n]];
      return given === held ? [] : [`${column} is ${shorten(held)}, recounted ${shorten(given)}`];
    })
    .join('; ');

const LONGEST = 120;
const shorten = (text: string): string =>
  text.length <= LONGEST ? text : `${text.slice(0, LONGEST)}…`;
