import { createHash } from 'node:crypto';
import type { RecordHeaders } from './control-record.ts';
import type { LogRecord } from './log-record.ts';
import type { SourcePartition } from './source.ts';

interface Refusal {
  /** What is wrong with the record. */
  readonly problem: string;
  /** What a person does about it. */
  readonly remedy: string;
}

const REPORT_AGAIN = 'have the provider report it again correctly, and discard this';

/**
 * Why a record is refused. The codes are stable, because tools and people filter by them. `usagectl dlq
 * show` prints the remedy. docs/dead-letters.md has the full table; a test compares the two.
 */
export const DEAD_LETTERS = {
  // It is where no record counts
  'after-end': {
    problem: 'a record after its partition was sealed',
    remedy: 'report it on a live topic, and discard this',
  },
  'outside-run': {
    problem: 'a history record outside the hours of its run',
    remedy: 'correct the recording, or discard this',
  },
  // It claims to be a control record
  'forged-control': {
    problem: 'a control record without a valid signature for its place',
    remedy: 'find out who writes control records to this topic; discard this',
  },
  'invalid-control': {
    problem: 'a signed control record of unknown kind, unreadable, or not allowed there',
    remedy: 'find out which tool wrote it; discard this',
  },
  // It is not an event
  'no-rules': {
    problem: 'it stands before the first rules record of its partition',
    remedy: 'redrive',
  },
  malformed: {
    problem: 'not in the Confluent wire format, or not exactly one Avro datum',
    remedy: REPORT_AGAIN,
  },
  'unknown-schema': {
    problem: 'a schema id that the rules do not accept',
    remedy: 'publish the schema, run "usagectl rules apply", then redrive',
  },
  // Its values are not valid usage
  'invalid-text': {
    problem:
      'text that is not UTF-8; or a control character, line break or line separator in the subscription, meter or resource, which Commerce would refuse',
    remedy: REPORT_AGAIN,
  },
  'invalid-identity': {
    problem: 'a subscription, meter or resource of 0 or over 1,024 bytes',
    remedy: REPORT_AGAIN,
  },
  'text-too-long': {
    problem: 'a location over 1,024 bytes, or tags or additional info over 64 KiB',
    remedy: 'have the provider report it again with shorter texts, and discard this',
  },
  'invalid-period': {
    problem: 'the usage does not start before it ends',
    remedy: REPORT_AGAIN,
  },
  'spans-hours': {
    problem: 'the usage is not inside one UTC hour',
    remedy: 'have the provider split it by hours and report it again, and discard this',
  },
  'in-future': {
    problem: 'the usage starts after its reported time',
    remedy: "redrive once the usage has begun; check the provider's clock",
  },
  'too-old': {
    problem: 'the usage started over 45 days before it was first reported',
    remedy: 'it can no longer be counted: settle it with the provider, and discard this',
  },
  'invalid-quantity': {
    problem: 'a decimal that is not in its shortest form of 1 to 32 bytes',
    remedy: REPORT_AGAIN,
  },
  'negative-quantity': {
    problem: 'a quantity below zero',
    remedy:
      'only an operator takes usage back: see "usagectl adjust"; where the number is wrong, have the provider report it again correctly; discard this',
  },
  'quantity-too-large': { problem: 'a quantity of 10^15 or more', remedy: REPORT_AGAIN },
  'below-floor': {
    problem: 'the usage started before the floor of the trimmed ledger',
    remedy: 'nobody can tell any more whether it was counted: discard this',
  },
  // It is in the wrong place
  'wrong-key': {
    problem: 'the key is not the resource URI in lower case',
    remedy: 'redrive: it gets the right key; correct the provider',
  },
  'wrong-partition': {
    problem: 'the partition is not the one of its key',
    remedy: 'redrive: it goes to the right partition; correct the provider',
  },
  'wrong-provider': {
    problem: "this topic does not serve the resource's namespace",
    remedy:
      'redrive: it goes to the topic that does; where none does, add the namespace to a provider first',
  },
  'wrong-subscription': {
    problem: "the resource belongs to another subscription than the event's",
    remedy: REPORT_AGAIN,
  },
  // It contradicts the log
  conflict: {
    problem: 'its id was accepted before with other content',
    remedy:
      'the event that was accepted first counts: compare the two, then discard this, or report the difference as another event',
  },
} as const satisfies Readonly<Record<string, Refusal>>;

export type DeadLetterCode = keyof typeof DEAD_LETTERS;

export const DEAD_LETTER_CODES = Object.keys(DEAD_LETTERS) as readonly DeadLetterCode[];

/** Headers that take more than this as JSON are only in ClickHouse: a dead letter must fit its topic. */
const MAX_HEADERS_LENGTH = 64 * 1024;

/**
 * The most bytes of a key and a value on the dead-letter topic. A batch that was stored compressed may hold
 * records of any size. None may be too large for that topic, or the partition would be stuck.
 */
const MAX_KEY_BYTES = 128 * 1024;
const MAX_VALUE_BYTES = 1536 * 1024;
/** Together. A record that was not compressed never takes more. */
const MAX_RECORD_BYTES = MAX_KEY_BYTES + MAX_VALUE_BYTES;

/** The headers of a dead letter on its topic. The record's own headers are in the last one, as JSON. */
export const DEAD_LETTER_HEADERS = {
  topic: 'usage-dlq-topic',
  epoch: 'usage-dlq-epoch',
  partition: 'usage-dlq-partition',
  offset: 'usage-dlq-offset',
  timestamp: 'usage-dlq-timestamp',
  code: 'usage-dlq-code',
  message: 'usage-dlq-message',
  headers: 'usage-dlq-headers',
  /** For a cut key or value: its full length and its digest. */
  keyBytes: 'usage-dlq-key-bytes',
  keySha256: 'usage-dlq-key-sha256',
  valueBytes: 'usage-dlq-value-bytes',
  valueSha256: 'usage-dlq-value-sha256',
} as const;

/** A refused record on the dead-letter topic. */
export interface DeadLetterRecord {
  readonly key: Buffer | null;
  readonly value: Buffer | null;
  readonly headers: RecordHeaders;
}

interface CutOff {
  readonly bytes: Buffer | null;
  readonly headers: RecordHeaders;
}

const cutOff = (
  bytes: Buffer | null,
  max: number,
  [length, sha256]: readonly [string, string],
): CutOff => {
  if (bytes === null || bytes.length <= max) return { bytes, headers: {} };
  const digest = createHash('sha256').update(bytes).digest('hex');
  return {
    bytes: bytes.subarray(0, max),
    headers: { [length]: String(bytes.length), [sha256]: digest },
  };
};

/**
 * The copy for the topic, with the record's origin and the reason of the refusal. Keys and values that are
 * too large are cut there; ClickHouse has them in full.
 */
export const deadLetterRecord = (
  at: SourcePartition,
  record: LogRecord,
  code: DeadLetterCode,
  message: string,
): DeadLetterRecord => {
  const headers = deadLetterHeaders(at, record, code, message);
  const size = (record.key?.length ?? 0) + (record.value?.length ?? 0);
  if (size <= MAX_RECORD_BYTES) return { key: record.key, value: record.value, headers };
  const { keyBytes, keySha256, valueBytes, valueSha256 } = DEAD_LETTER_HEADERS;
  const key = cutOff(record.key, MAX_KEY_BYTES, [keyBytes, keySha256]);
  const value = cutOff(record.value, MAX_VALUE_BYTES, [valueBytes, valueSha256]);
  return {
    key: key.bytes,
    value: value.bytes,
    headers: { ...headers, ...key.headers, ...value.headers },
  };
};

/** The headers that say where a refused record came from and why it was refused. */
const deadLetterHeaders = (
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
