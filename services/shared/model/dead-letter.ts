import type { RecordHeaders } from './control-record.ts';
import type { LogRecord } from './log-record.ts';
import type { SourcePartition } from './source.ts';

/** Why a record is refused. The codes are stable: tools and people filter by them. */
export type DeadLetterCode =
  // The record is no usage event at all
  | 'malformed' // not in the wire format, cut short, trailing bytes, not Avro
  | 'unknown-schema' // its schema id is not among those the rules accept
  | 'invalid-text' // a text is not UTF-8, or an identity holds a control character or a line separator
  | 'no-rules' // it stands before the first rules record
  // Its values are not usage
  | 'invalid-identity' // subscription, meter or resource is empty or longer than 1,024 bytes
  | 'text-too-long' // location over 1,024 bytes, tags or additional info over 64 KiB
  | 'invalid-period' // the start is not before the end
  | 'spans-hours' // it is not inside one UTC hour
  | 'in-future' // the usage starts after its reported time
  | 'too-old' // the usage started longer than maxUsageAge before its reported time
  | 'below-floor' // the usage started before the floor of a trimmed ledger
  | 'invalid-quantity' // not the shortest two's complement form, or over 32 bytes
  | 'negative-quantity'
  | 'quantity-too-large' // 10^15 or more
  // It is in the wrong place
  | 'wrong-key' // the key is not the resource URI in lower case
  | 'wrong-partition' // the partition is not the one of that key
  | 'wrong-provider' // this topic does not serve the resource's namespace
  | 'wrong-subscription' // the resource belongs to another subscription than the event's
  // It contradicts the log
  | 'conflict' // the id was accepted before with other content
  | 'outside-run' // a history record outside the run's hours
  | 'after-end' // a record after the source's partition was sealed
  // It claims to control
  | 'forged-control' // a control record without a valid signature for its place
  | 'invalid-control'; // signed, but of unknown kind, unreadable, or not allowed here

/** Headers of a record that take more as JSON stand in ClickHouse only: a dead letter must fit its topic. */
const MAX_HEADERS_LENGTH = 64 * 1024;

/** Headers of a dead letter on its topic; the record's own are kept in the last one, as JSON. */
export const DEAD_LETTER_HEADERS = {
  topic: 'usage-dlq-topic',
  epoch: 'usage-dlq-epoch',
  partition: 'usage-dlq-partition',
  offset: 'usage-dlq-offset',
  timestamp: 'usage-dlq-timestamp',
  code: 'usage-dlq-code',
  message: 'usage-dlq-message',
  headers: 'usage-dlq-headers',
} as const;

/** Says where a refused record came from and why it was refused. */
export const deadLetterHeaders = (
  at: SourcePartition,
  record: LogRecord,
  code: DeadLetterCode,
  message: string,
): RecordHeaders => {
  const headers = JSON.stringify(record.headers);
  return {
    [DEAD_LETTER_HEADERS.topic]: at.topic,
    [DEAD_LETTER_HEADERS.epoch]: String(at.epoch),
    [DEAD_LETTER_HEADERS.partition]: String(at.partition),
    [DEAD_LETTER_HEADERS.offset]: String(record.offset),
    [DEAD_LETTER_HEADERS.timestamp]: String(record.timestamp),
    [DEAD_LETTER_HEADERS.code]: code,
    [DEAD_LETTER_HEADERS.message]: message,
    ...(headers.length <= MAX_HEADERS_LENGTH && { [DEAD_LETTER_HEADERS.headers]: headers }),
  };
};
