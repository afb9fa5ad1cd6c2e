import {
  CONTROL_HEADER,
  controlKeyId,
  isSignedFor,
  type Keyring,
} from '../../shared/model/control-record.ts';
import type { LogRecord } from '../../shared/model/log-record.ts';
import { partitionOfKey } from '../../shared/model/placement.ts';
import {
  partitionName,
  sourceName,
  type Source,
  type SourcePartition,
} from '../../shared/model/source.ts';
import type { Hour } from '../../shared/model/time.ts';
import {
  aggregateKey,
  parseClosedMarker,
  type ClosedMarker,
  type HourPart,
} from '../../shared/model/usage-aggregate.ts';
import { parseCarryMove, type CarryMove } from '../../shared/model/carry-move.ts';
import { parseUsageCarry, type UsageCarry } from '../../shared/model/usage-carry.ts';

/** Why a record of the aggregates topic is refused. The codes are stable. */
export type RefusalCode =
  | 'malformed' // neither a part of an hour in the wire format nor a control record
  | 'wrong-key' // its key names another source partition than its content
  | 'wrong-partition' // the source partition in its key is not published on this partition of the topic
  | 'unknown-source' // the register has no such source, or the source has no such partition
  | 'wrong-hour' // its source has no such reported hour
  | 'forged-aggregate' // a part of an hour without a valid signature for its source partition
  | 'forged-control' // a control record without a valid signature for its source partition
  | 'invalid-control'; // signed, but unreadable or of a kind that does not belong here

/** What the fold needs to read a log. All of it is fixed before a source's first record. */
export interface Knowledge {
  readonly decode: (bytes: Buffer) => HourPart | null;
  readonly keyring: Keyring;
  /** The partition of the aggregates topic that is read, and the number of partitions. */
  readonly partition: number;
  readonly partitions: number;
  /** By `sourceName`. */
  readonly sources: ReadonlyMap<string, Source>;
}

/** The hour of a source partition that a refused record names. */
export interface Pretended extends SourcePartition {
  readonly reportedHour: Hour;
  readonly isMarker: boolean;
}

/** A valid record, or why it is refused. */
export type LogEntry =
  | {
      readonly kind: 'part';
      readonly at: SourcePartition;
      readonly source: Source;
      readonly part: HourPart;
      readonly value: Buffer;
    }
  | {
      readonly kind: 'marker';
      readonly at: SourcePartition;
      readonly source: Source;
      readonly marker: ClosedMarker;
    }
  | {
      readonly kind: 'carry';
      readonly at: SourcePartition;
      readonly source: Source;
      readonly carry: UsageCarry;
    }
  | {
      readonly kind: 'moved';
      readonly at: SourcePartition;
      readonly source: Source;
      readonly move: CarryMove;
    }
  | {
      readonly kind: 'refused';
      readonly code: RefusalCode;
      readonly message: string;
      /** What a forged record claims to belong to, if perhaps only its signing key is missing here. */
      readonly pretends: Pretended | null;
    };

type Refused = Extract<LogEntry, { kind: 'refused' }>;

const refuse = (
  code: RefusalCode,
  message: string,
  pretends: Pretended | null = null,
): Refused => ({ kind: 'refused', code, message, pretends });

/** The name of the source whose partition a record's key names; null if it names none. */
export const sourceOfKey = (key: Buffer | null): string | null =>
  /^(.+\/\d+)\[\d+\]$/.exec(key?.toString('utf8') ?? '')?.[1] ?? null;

/**
 * Reads a record of the aggregates topic:
 *
 * | record, the first that applies                            | entry                       |
 * |-----------------------------------------------------------|-----------------------------|
 * | no control record, no part of an hour in the wire format  | refused `malformed`         |
 * | part or control record of no source in the register       | refused `unknown-source`    |
 * | content of another source partition than the key's        | refused `wrong-key`         |
 * | its source partition is published on another partition    | refused `wrong-partition`   |
 * | part or marker of no hour of its source                   | refused `wrong-hour`        |
 * | part not signed for its source partition                  | refused `forged-aggregate`  |
 * | control record not signed for its source partition        | refused `forged-control`    |
 * | other control record, or unreadable                       | refused `invalid-control`   |
 * | carry or move of history                                  | refused `invalid-control`   |
 * | other                                                     | part, marker, carry or move |
 */
export const readEntry = (record: LogRecord, knowledge: Knowledge): LogEntry => {
  const kind = record.headers[CONTROL_HEADER];
  if (kind === undefined) return readPart(record, knowledge);
  const body = record.value?.toString('utf8') ?? '';
  switch (kind) {
    case 'closed': {
      const marker = parseClosedMarker(body);
      if (marker === null) return refuse('invalid-control', 'the closed marker cannot be read');
      const source = placed(record, marker, knowledge);
      if (source.kind === 'refused') return source;
      const problem =
        hourProblem(source, marker.reportedHour) ??
        signatureProblem(record, marker, knowledge, 'forged-control', marker.reportedHour);
      return problem ?? { kind: 'marker', at: placeOf(marker), source, marker };
    }
    case 'carry': {
      const carry = parseUsageCarry(body);
      if (carry === null) return refuse('invalid-control', 'the carry cannot be read');
      const source = placed(record, carry, knowledge);
      if (source.kind === 'refused') return source;
      const problem = carryProblem(record, carry, source, knowledge);
      return problem ?? { kind: 'carry', at: placeOf(carry), source, carry };
    }
    case 'moved': {
      const move = parseCarryMove(body);
      if (move === null) return refuse('invalid-control', 'the moved record cannot be read');
      const source = placed(record, move, knowledge);
      if (source.kind === 'refused') return source;
      const problem = carryProblem(record, move, source, knowledge);
      return problem ?? { kind: 'moved', at: placeOf(move), source, move };
    }
    default:
      return refuse('invalid-control', `control records of kind "${kind}" do not belong here`);
  }
};

const carryProblem = (
  record: LogRecord,
  at: SourcePartition,
  source: Source,
  knowledge: Knowledge,
): Refused | null =>
  signatureProblem(record, at, knowledge, 'forged-control', null) ??
  (source.kind === 'live'
    ? null
    : refuse('invalid-control', 'usage is never carried into history, nor out of it'));

const placeOf = ({ topic, epoch, partition }: SourcePartition): SourcePartition => ({
  topic,
  epoch,
  partition,
});

const readPart = (record: LogRecord, knowledge: Knowledge): LogEntry => {
  const { value } = record;
  const part = value && knowledge.decode(value);
  if (!part) return refuse('malformed', 'it is neither a part of an hour nor a control record');
  const source = placed(record, part, knowledge);
  if (source.kind === 'refused') return source;
  const { reportedHour } = part;
  return (
    hourProblem(source, reportedHour) ??
    signatureProblem(record, part, knowledge, 'forged-aggregate', reportedHour) ?? {
      kind: 'part',
      at: placeOf(part),
      source,
      part,
      value,
    }
  );
};

/** The source of a record's content, if the record has the key of that source partition. */
const placed = (record: LogRecord, at: SourcePartition, knowledge: Knowledge): Source | Refused => {
  const key = record.key?.toString('utf8');
  if (key !== aggregateKey(at)) {
    return refuse('wrong-key', `it holds usage of ${named(at)}, but has another key`);
  }
  // A copy there would be composed again, by another bridge.
  if (partitionOfKey(key, knowledge.partitions) !== knowledge.partition) {
    return refuse('wrong-partition', `${named(at)} is published on another partition`);
  }
  const source = knowledge.sources.get(sourceName(at));
  return source && at.partition < source.partitions
    ? source
    : refuse('unknown-source', `the register of sources has no ${named(at)}`);
};

const hourProblem = (source: Source, hour: Hour): Refused | null =>
  hour >= source.firstHour &&
  (source.lastHour === null || hour <= source.lastHour) &&
  (hour - source.firstHour) % source.hourMillis === 0
    ? null
    : refuse('wrong-hour', `its reported hour is not an hour of source ${sourceName(source)}`);

/** Names in a refused record may be as long as the record. */
const MAX_NAME = 200;

const shortened = (name: string): string =>
  name.length <= MAX_NAME ? name : `${name.slice(0, MAX_NAME)}…`;

const named = (at: SourcePartition): string => shortened(partitionName(at));

const signatureProblem = (
  record: LogRecord,
  at: SourcePartition,
  { keyring }: Knowledge,
  code: RefusalCode,
  /** Null if nothing need be read again once the key is known. */
  reportedHour: Hour | null,
): Refused | null => {
  const id = controlKeyId(record.headers);
  if (id === '') return refuse(code, 'it is not signed');
  const isMarker = code === 'forged-control';
  const pretends = reportedHour === null ? null : { ...placeOf(at), reportedHour, isMarker };
  const key = keyring.find((candidate) => candidate.id === id);
  if (!key) {
    const text = `it is signed by key "${shortened(id)}", which is not among USAGE_CONTROL_KEYS`;
    return refuse(code, text, pretends);
  }
  return isSignedFor(at, record.headers, record.value, key)
    ? null
    : refuse(code, 'it is not signed for its source partition', pretends);
};
