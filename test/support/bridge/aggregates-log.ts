import { createHash } from 'node:crypto';
import { readSchemaDirectory } from '../../../services/shared/avro/schema-directory.ts';
import { hourPartDecoder, hourPartEncoder } from '../../../services/shared/avro/hour-part-codec.ts';
import {
  controlRecord,
  hourPartHeaders,
  type ControlKind,
  type Keyring,
} from '../../../services/shared/model/control-record.ts';
import type { Quantity } from '../../../services/shared/model/decimal.ts';
import type { LogRecord } from '../../../services/shared/model/log-record.ts';
import { asciiLower } from '../../../services/shared/model/placement.ts';
import {
  sourceName,
  type Source,
  type SourcePartition,
} from '../../../services/shared/model/source.ts';
import { HOUR_MILLIS, millis, nextHour, type Hour } from '../../../services/shared/model/time.ts';
import {
  aggregateKey,
  serializeClosedMarker,
  usageAggregateId,
  type ClosedMarker,
  type HourPart,
  type UsageAggregate,
} from '../../../services/shared/model/usage-aggregate.ts';
import { serializeCarryMove, type CarryMove } from '../../../services/shared/model/carry-move.ts';
import {
  serializeUsageCarry,
  type UsageCarry,
} from '../../../services/shared/model/usage-carry.ts';
import type { BillingTerms } from '../../../services/shared/billing/billing-terms.ts';
import { hour, SUBSCRIPTION, uriOf } from './examples.ts';
import type { Knowledge } from '../../../services/bridge/fold/log-entry.ts';

export { hour, uriOf };

export const keyring: Keyring = [{ id: 'test', secret: Buffer.alloc(32, 7) }];
export const stranger: Keyring = [{ id: 'stranger', secret: Buffer.alloc(32, 8) }];

const schemas = readSchemaDirectory();
const encodePart = hourPartEncoder(schemas);
const decodePart = hourPartDecoder(schemas);

/** An aggregate with the hour to which it belongs. */
export type PlacedAggregate = UsageAggregate & SourcePartition & { readonly reportedHour: Hour };

export const sourceOf = (changes: Partial<Source> = {}): Source => ({
  topic: 'usage.events.compute',
  epoch: 1,
  kind: 'live',
  partitions: 2,
  firstHour: hour(0),
  lastHour: null,
  hourMillis: HOUR_MILLIS,
  predecessor: null,
  state: 'open',
  billable: true,
  namespaces: ['microsoft.compute'],
  origin: 'live',
  ...changes,
});

export const knowledgeOf = (sources: readonly Source[], keys: Keyring = keyring): Knowledge => ({
  decode: decodePart,
  keyring: keys,
  partition: 0,
  partitions: 1,
  sources: new Map(sources.map((source) => [sourceName(source), source])),
});

export const BILLABLE = 'FAB6EB84-500B-4A09-A8CA-7358F8BBAEA5';
export const NOT_BILLABLE = '6DAB500F-A4FD-49C4-956D-229BB9C8C793';
export const UNKNOWN = '00000000-0000-4000-8000-000000000001';

export const termsOfAll = (changes: Partial<BillingTerms> = {}): BillingTerms => ({
  effectiveFrom: 0 as Hour,
  reporting: 'on',
  planId: 'plan',
  billedMeters: [{ meterId: BILLABLE, dimension: BILLABLE, planId: 'plan' }],
  otherMeters: [{ meterId: NOT_BILLABLE, reason: 'local-only' }],
  infrastructure: [],
  late: 'carried',
  ...changes,
});

export const ONE = 10n ** 30n;

export const aggregateOf = (
  at: SourcePartition,
  reportedHour: Hour,
  resourceUri: string,
  changes: Partial<UsageAggregate> = {},
): PlacedAggregate => {
  const meterId = changes.meterId ?? BILLABLE;
  return {
    topic: at.topic,
    epoch: at.epoch,
    partition: at.partition,
    reportedHour,
    subscriptionId: SUBSCRIPTION,
    meterId,
    resourceUri,
    quantity: ONE as Quantity,
    eventCount: 1,
    firstUsageTime: reportedHour,
    lastUsageTime: nextHour(reportedHour, HOUR_MILLIS),
    usageMonths: [],
    location: 'local',
    tags: null,
    additionalInfo: null,
    ...changes,
    aggregateId: usageAggregateId(at, reportedHour, {
      subscriptionKey: SUBSCRIPTION,
      meterKey: asciiLower(meterId),
      resourceKey: asciiLower(resourceUri),
    }),
  };
};

/** A record that has no place in a log yet. */
export type Unplaced = Omit<LogRecord, 'offset'>;

/** A part of an hour with some aggregates. */
const partOf = (aggregates: readonly PlacedAggregate[], part: number): HourPart => {
  const [first] = aggregates;
  if (!first) throw new Error('a part has aggregates');
  const { topic, epoch, partition, reportedHour } = first;
  return { topic, epoch, partition, reportedHour, part, aggregates };
};

export const partRecord = (
  aggregates: readonly PlacedAggregate[],
  part: number,
  signers: Keyring = keyring,
): Unplaced => {
  const whole = partOf(aggregates, part);
  const value = encodePart(whole);
  return {
    timestamp: whole.reportedHour,
    key: Buffer.from(aggregateKey(whole)),
    value,
    headers: hourPartHeaders(whole, value, signers),
  };
};

/** A part with one aggregate. */
export const aggregateRecord = (
  aggregate: PlacedAggregate,
  signers: Keyring = keyring,
  part = 0,
): Unplaced => partRecord([aggregate], part, signers);

/** Aggregates as parts of so many. */
export const inPartsOf = (
  each: number,
  aggregates: readonly PlacedAggregate[],
): readonly (readonly PlacedAggregate[])[] =>
  Array.from({ length: Math.ceil(aggregates.length / each) }, (_, part) =>
    aggregates.slice(part * each, (part + 1) * each),
  );

const control = (
  kind: ControlKind,
  at: SourcePartition,
  body: string,
  signers: Keyring,
): Unplaced => ({
  timestamp: millis(0),
  ...controlRecord(kind, at, body, signers),
  key: Buffer.from(aggregateKey(at)),
});

/** The marker of an hour with so many aggregates in a part. */
export const markerOf = (
  { topic, epoch, partition }: SourcePartition,
  reportedHour: Hour,
  aggregates: readonly PlacedAggregate[],
  each = 1,
): ClosedMarker => {
  const digest = createHash('sha256');
  const parts = inPartsOf(each, aggregates);
  for (const [n, part] of parts.entries()) digest.update(encodePart(partOf(part, n)));
  return {
    topic,
    epoch,
    partition,
    reportedHour,
    parts: parts.length,
    digest: digest.digest('hex'),
  };
};

export const markerRecord = (
  at: SourcePartition,
  reportedHour: Hour,
  aggregates: readonly PlacedAggregate[],
  signers: Keyring = keyring,
  each = 1,
): Unplaced => {
  const marker = markerOf(at, reportedHour, aggregates, each);
  return control('closed', at, serializeClosedMarker(marker), signers);
};

export const carryRecord = (carry: UsageCarry, signers: Keyring = keyring): Unplaced =>
  control('carry', carry, serializeUsageCarry(carry), signers);

export const moveRecord = (move: CarryMove, signers: Keyring = keyring): Unplaced =>
  control('moved', move, serializeCarryMove(move), signers);

/** All records of a closed hour, as its owner publishes them, with so many aggregates in a part. */
export const hourRecords = (
  at: SourcePartition,
  reportedHour: Hour,
  aggregates: readonly PlacedAggregate[],
  each = 1,
): readonly Unplaced[] => [
  ...inPartsOf(each, aggregates).map((some, part) => partRecord(some, part)),
  markerRecord(at, reportedHour, aggregates, keyring, each),
];

/** Gives records their places in a log. */
export const logOf = (records: readonly Unplaced[]): readonly LogRecord[] =>
  records.map((record, offset) => ({ ...record, offset }));
