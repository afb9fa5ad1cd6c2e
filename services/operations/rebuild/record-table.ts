import { formatQuantity } from '../../shared/model/decimal.ts';
import type { SourcePartition } from '../../shared/model/source.ts';
import { uuidText } from '../../shared/model/usage-event.ts';
import { DEAD_LETTER, deadLetterRow, LEDGER, ledgerRow } from '../audit/compare-records.ts';
import type { Values } from '../audit/differences.ts';
import type { AcceptedEvent, RefusedRecord } from '../audit/recount.ts';
import type { Columns } from '../audit/stored-rows.ts';

/** A table with a row for a record of the log, and how that row follows from the recount. */
export interface RecordTable<Found> {
  readonly name: 'usage_events' | 'dead_letters';
  /** What is compared: the offset first, then what a person knows the row by. */
  readonly columns: Columns;
  /** The same as they are stored: together they tell one copy of a row from another. */
  readonly stored: string;
  /** Rows that were reported from `{start}` on and before `{end}`, in milliseconds. */
  readonly reportedWithin: string;
  /** Place of the reported time, or hour, among the columns. */
  readonly reported: number;
  readonly offsetOf: (found: Found) => number;
  readonly reportedOf: (found: Found) => number;
  readonly values: (found: Found) => Values;
  /** The row as it is inserted. */
  readonly row: (at: SourcePartition, found: Found) => Readonly<Record<string, unknown>>;
}

export const ledgerTable: RecordTable<AcceptedEvent> = {
  name: 'usage_events',
  columns: LEDGER,
  stored: Object.keys(LEDGER).join(', '),
  reportedWithin: `t.reported_hour >= toDateTime(intDiv({start:UInt64}, 1000), 'UTC')
    AND t.reported_hour < toDateTime(intDiv({end:UInt64}, 1000), 'UTC')`,
  reported: Object.keys(LEDGER).indexOf('reported_hour'),
  offsetOf: ({ offset }) => offset,
  reportedOf: ({ reportedHour }) => reportedHour,
  values: ledgerRow,
  row: ({ topic, epoch, partition }, event) => ({
    topic,
    epoch,
    partition,
    offset: event.offset,
    event_id: uuidText(event.usage.eventId),
    content_digest: event.contentDigest,
    reported_time: event.reportedTime,
    reported_hour: event.reportedHour / 1000,
    usage_hour: event.usageHour / 1000,
    usage_start: event.usage.start,
    usage_end: event.usage.end,
    subscription_id: event.usage.subscriptionId,
    meter_id: event.usage.meterId,
    resource_uri: event.usage.resourceUri,
    quantity: formatQuantity(event.quantity),
    location: event.usage.location,
    tags: event.usage.tags,
    additional_info: event.usage.additionalInfo,
  }),
};

/** The aggregator's words are not recounted: a row that is right but for them is left alone. */
const MESSAGE = 'recounted from the log; the words in which it was refused are lost';

export const deadLetterTable: RecordTable<RefusedRecord> = {
  name: 'dead_letters',
  columns: DEAD_LETTER,
  stored: Object.keys(DEAD_LETTER).join(', '),
  reportedWithin: `t.reported_time >= fromUnixTimestamp64Milli({start:Int64})
    AND t.reported_time < fromUnixTimestamp64Milli({end:Int64})`,
  reported: Object.keys(DEAD_LETTER).indexOf('reported_time'),
  offsetOf: ({ record }) => record.offset,
  reportedOf: ({ reportedTime }) => reportedTime,
  values: deadLetterRow,
  row: ({ topic, epoch, partition }, { record, code, reportedTime }) => ({
    topic,
    epoch,
    partition,
    offset: record.offset,
    code,
    message: MESSAGE,
    reported_time: reportedTime,
    record_timestamp: String(record.timestamp),
    record_key_base64: record.key?.toString('base64') ?? null,
    record_value_base64: record.value?.toString('base64') ?? null,
    record_headers: JSON.stringify(record.headers),
  }),
};
