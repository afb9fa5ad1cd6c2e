import { TEXT_COLUMNS } from '../../shared/model/event-texts.ts';

/** A table with a row for a record of the log, and how its rows are compared. */
export interface RecordRows {
  readonly name: 'usage_events' | 'dead_letters';
  /** The columns that hold a row's content, with the SQL that shows them. */
  readonly columns: Readonly<Record<string, string>>;
  /** All stored columns, for copying. */
  readonly stored: readonly string[];
  /** The name of a row for people. */
  readonly label: string;
  /** The reported time or hour, in milliseconds. */
  readonly reported: string;
  /** The condition for rows reported from `{start}` up to but not including `{end}`, in milliseconds. */
  readonly isWithin: string;
  /** The condition for rows that may be gone because the ledger was trimmed up to `{floor}`. */
  readonly mayBeGone: string;
}

const PLACE = ['topic', 'epoch', 'partition'];
const instant = (column: string): string => `toInt64(toUnixTimestamp(t.${column})) * 1000`;
const millisecond = (column: string): string => `toUnixTimestamp64Milli(t.${column})`;
const md5 = (column: string): string =>
  `if(isNull(t.${column}), NULL, hex(MD5(assumeNotNull(t.${column}))))`;

const LEDGER = {
  offset: 't.offset',
  event_id: 'toString(t.event_id)',
  content_digest: 'toString(t.content_digest)',
  reported_time: millisecond('reported_time'),
  reported_hour: instant('reported_hour'),
  usage_hour: instant('usage_hour'),
  usage_start: millisecond('usage_start'),
  usage_end: millisecond('usage_end'),
  ...Object.fromEntries(TEXT_COLUMNS.map((column) => [column, `t.${column}`])),
  quantity: 'toString(t.quantity)',
};

export const ledgerRows: RecordRows = {
  name: 'usage_events',
  columns: LEDGER,
  stored: [...PLACE, ...Object.keys(LEDGER)],
  label: 'toString(t.event_id)',
  reported: instant('reported_hour'),
  isWithin: `t.reported_hour >= toDateTime(intDiv({start:UInt64}, 1000), 'UTC')
    AND t.reported_hour < toDateTime(intDiv({end:UInt64}, 1000), 'UTC')`,
  mayBeGone: `t.usage_hour < toDateTime(intDiv({floor:UInt64}, 1000), 'UTC')`,
};

const LETTER = {
  offset: 't.offset',
  code: 't.code',
  reported_time: millisecond('reported_time'),
  record_timestamp: 't.record_timestamp',
  record_key: md5('record_key'),
  record_value: md5('record_value'),
  record_headers: 'hex(MD5(t.record_headers))',
};

/** The message of a dead letter is not compared: versions of the aggregator may word it differently. */
export const deadLetterRows: RecordRows = {
  name: 'dead_letters',
  columns: LETTER,
  stored: [...PLACE, ...Object.keys(LETTER), 'message'],
  label: 't.code',
  reported: millisecond('reported_time'),
  isWithin: `t.reported_time >= fromUnixTimestamp64Milli({start:Int64})
    AND t.reported_time < fromUnixTimestamp64Milli({end:Int64})`,
  mayBeGone: 'false',
};
