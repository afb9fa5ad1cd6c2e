import type { ClickHouseClient } from '@clickhouse/client';
import { queryRows } from '../../shared/clickhouse/client.ts';
import type { RecordHeaders } from '../../shared/model/control-record.ts';
import type { DeadLetterCode } from '../../shared/model/dead-letter.ts';
import { UserError } from '../../shared/process/errors.ts';
import { millis, type Millis } from '../../shared/model/time.ts';
import { IS_OPEN } from './open-dead-letters.ts';
import { positionText, type GivenPosition, type Position } from './position.ts';

/** Which dead letters to return; null means no condition. */
export interface LetterFilter {
  readonly codes: readonly string[] | null;
  readonly topics: readonly string[] | null;
  /** Reported time: `since` is inclusive, `until` exclusive. */
  readonly since: Millis | null;
  readonly until: Millis | null;
  /** Only open dead letters. */
  readonly openOnly: boolean;
}

export const ALL_OPEN: LetterFilter = {
  codes: null,
  topics: null,
  since: null,
  until: null,
  openOnly: true,
};

export interface LetterSummary extends Position {
  readonly code: DeadLetterCode;
  readonly message: string;
  readonly reportedTime: Millis;
  /** Null for a record without a value. */
  readonly bytes: number | null;
  /** Its last disposition; null while it is open. */
  readonly disposition: string | null;
}

/** A complete dead letter. */
export interface Letter extends LetterSummary {
  readonly timestamp: Millis;
  readonly key: Buffer | null;
  readonly value: Buffer | null;
  readonly headers: RecordHeaders;
}

interface Condition {
  readonly sql: string;
  readonly params: Readonly<Record<string, unknown>>;
}

export const conditionOf = (filter: LetterFilter, after: Position | null): Condition => {
  const parts: string[] = [];
  const params: Record<string, unknown> = {};
  const add = (name: string, value: unknown, sql: string): void => {
    if (value === null) return;
    parts.push(sql);
    params[name] = value;
  };
  add('codes', filter.codes, 'd.code IN {codes:Array(String)}');
  add('topics', filter.topics, 'd.topic IN {topics:Array(String)}');
  add('since', filter.since, 'd.reported_time >= fromUnixTimestamp64Milli({since:Int64})');
  add('until', filter.until, 'd.reported_time < fromUnixTimestamp64Milli({until:Int64})');
  if (filter.openOnly) parts.push(IS_OPEN);
  if (after) {
    parts.push(`${PLACE} > ({topic:String}, {epoch:UInt32}, {partition:UInt16}, {offset:UInt64})`);
    Object.assign(params, after);
  }
  return { sql: parts.length === 0 ? '' : `WHERE ${parts.join(' AND ')}`, params };
};

const PLACE = '(d.topic, d.epoch, d.partition, d.offset)';

const SUMMARY = `d.topic AS topic, d.epoch AS epoch, d.partition AS partition, toString(d.offset) AS offset,
  d.code AS code, d.message AS message, toString(toUnixTimestamp64Milli(d.reported_time)) AS reported,
  length(d.record_value) AS bytes, nullIf(s.disposition, '') AS disposition`;

const WHOLE = `${SUMMARY}, toString(d.record_timestamp) AS timestamp, base64Encode(d.record_key) AS key,
  base64Encode(d.record_value) AS value, d.record_headers AS headers`;

const from = (where: string, limit: string): string => `
  FROM (SELECT * FROM dead_letters AS d FINAL ${where} ORDER BY topic, epoch, partition, d.offset ${limit}) AS d
  LEFT JOIN (SELECT topic, epoch, partition, offset, argMax(disposition, at) AS disposition
    FROM dispositions GROUP BY topic, epoch, partition, offset) AS s
    ON s.topic = d.topic AND s.epoch = d.epoch AND s.partition = d.partition AND s.offset = d.offset
  ORDER BY d.topic, d.epoch, d.partition, d.offset`;

interface SummaryRow {
  readonly topic: string;
  readonly epoch: number;
  readonly partition: number;
  readonly offset: string;
  readonly code: DeadLetterCode;
  readonly message: string;
  readonly reported: string;
  readonly bytes: string | number | null;
  readonly disposition: string | null;
}

interface WholeRow extends SummaryRow {
  readonly timestamp: string;
  readonly key: string | null;
  readonly value: string | null;
  readonly headers: string;
}

const summaryOf = (row: SummaryRow): LetterSummary => ({
  topic: row.topic,
  epoch: row.epoch,
  partition: row.partition,
  offset: Number(row.offset),
  code: row.code,
  message: row.message,
  reportedTime: millis(Number(row.reported)),
  bytes: row.bytes === null ? null : Number(row.bytes),
  disposition: row.disposition,
});

const bytesOf = (base64: string | null): Buffer | null =>
  base64 === null ? null : Buffer.from(base64, 'base64');

const letterOf = (row: WholeRow): Letter => ({
  ...summaryOf(row),
  timestamp: millis(Number(row.timestamp)),
  key: bytesOf(row.key),
  value: bytesOf(row.value),
  headers: JSON.parse(row.headers) as RecordHeaders,
});

export interface CodeCount {
  readonly code: DeadLetterCode;
  readonly letters: number;
}

export const countByCode = async (
  client: ClickHouseClient,
  filter: LetterFilter,
): Promise<readonly CodeCount[]> => {
  const { sql, params } = conditionOf(filter, null);
  const rows = await queryRows<{ code: DeadLetterCode; letters: string }>(
    client,
    `SELECT code, toString(count()) AS letters FROM dead_letters AS d FINAL ${sql}
     GROUP BY code ORDER BY count() DESC, code`,
    params,
  );
  return rows.map(({ code, letters }) => ({ code, letters: Number(letters) }));
};

/** Dead letters after the position `after`, in the order of their positions. */
export const listLetters = async (
  client: ClickHouseClient,
  filter: LetterFilter,
  limit: number,
  after: Position | null,
): Promise<readonly LetterSummary[]> => {
  const { sql, params } = conditionOf(filter, after);
  const query = `SELECT ${SUMMARY} ${from(sql, 'LIMIT {limit:UInt32}')}`;
  return (await queryRows<SummaryRow>(client, query, { ...params, limit })).map(summaryOf);
};

/** The most complete dead letters that are read at once: each may be 1 MiB. */
const PAGE = 100;

/** The complete dead letters that match a filter, page by page. */
export async function* pagesOfLetters(
  client: ClickHouseClient,
  filter: LetterFilter,
): AsyncGenerator<readonly Letter[], void, undefined> {
  let after: Position | null = null;
  for (;;) {
    const { sql, params } = conditionOf(filter, after);
    const query = `SELECT ${WHOLE} ${from(sql, 'LIMIT {limit:UInt32}')}`;
    const rows = await queryRows<WholeRow>(client, query, { ...params, limit: PAGE });
    const page = rows.map(letterOf);
    const last = page.at(-1);
    if (!last) return;
    yield page;
    const { topic, epoch, partition, offset } = last;
    after = { topic, epoch, partition, offset };
  }
}

/**
 * One complete dead letter.
 * @throws UserError if there is none at that position
 */
export const readLetter = async (
  client: ClickHouseClient,
  { topic, epoch, partition, offset }: GivenPosition,
): Promise<Letter> => {
  const where = `WHERE d.topic = {topic:String} AND d.partition = {partition:UInt16}
    AND d.offset = {offset:UInt64}${epoch === null ? '' : ' AND d.epoch = {epoch:UInt32}'}`;
  const params = { topic, partition, offset, ...(epoch !== null && { epoch }) };
  const rows = await queryRows<WholeRow>(client, `SELECT ${WHOLE} ${from(where, '')}`, params);
  const row = rows.at(-1);
  if (row) return letterOf(row);
  const named =
    epoch === null
      ? [topic, partition, offset].map(String).join('/')
      : positionText({ topic, epoch, partition, offset });
  throw new UserError(`There is no dead letter ${named}: see "usagectl dlq list --all"`);
};
