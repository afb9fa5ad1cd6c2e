import { secondsFromMillis } from '../../shared/clickhouse/values.ts';
import { formatQuantity } from '../../shared/model/decimal.ts';
import { monthsRecord } from '../../shared/model/usage-months.ts';
import { asciiLower, resourceKey } from '../../shared/model/placement.ts';
import type { SourcePartition } from '../../shared/model/source.ts';
import type { Hour } from '../../shared/model/time.ts';
import type { BridgeCheckpoint, RefusedRecord } from '../fold/bridge-fold.ts';
import type { Composition } from '../fold/compose.ts';
import type { LeavingCarry } from '../fold/source-progress.ts';
import type { RequestRecord } from '../ports.ts';

/** Rows as ClickHouse reads and writes them in JSON: DateTime in seconds, decimals and UInt64 as text. */
type Row = Readonly<Record<string, unknown>>;

export const seconds = (hour: Hour): number => hour / 1000;

const hourColumns = (at: SourcePartition, hour: Hour): Row => ({
  topic: at.topic,
  epoch: at.epoch,
  partition: at.partition,
  reported_hour: seconds(hour),
});

export function* submissionRows(compositions: readonly Composition[]): Generator<Row> {
  for (const { at, hour, submissions } of compositions) {
    for (const submission of submissions) {
      yield {
        ...hourColumns(at, hour),
        submission_id: submission.submissionId,
        resource_uri: submission.resourceUri,
        resource_key: resourceKey(submission.resourceUri),
        subscription_id: submission.subscriptionId,
        location: submission.location,
        dimension: submission.dimension,
        dimension_key: asciiLower(submission.dimension),
        meters: submission.meters,
        quantity: formatQuantity(submission.quantity),
        usage_months: monthsRecord(submission.usageMonths),
        decision: submission.decision,
        reason: submission.reason,
        plan_id: submission.planId,
        aggregates: submission.aggregates,
        carries: submission.carries,
      };
    }
  }
}

export function* unbilledRows(compositions: readonly Composition[]): Generator<Row> {
  for (const { at, hour, unbilled } of compositions) {
    for (const usage of unbilled) {
      yield {
        ...hourColumns(at, hour),
        reason: usage.reason,
        meter_key: usage.meterKey,
        subscription_key: usage.subscriptionKey,
        quantity: formatQuantity(usage.quantity),
        aggregates: usage.aggregates,
      };
    }
  }
}

export const toSend = ({ submissions }: Composition): number =>
  submissions.filter(({ decision }) => decision === 'send').length;

export const compositionRow = (logPartition: number, composition: Composition): Row => ({
  ...hourColumns(composition.at, composition.hour),
  log_partition: logPartition,
  first_offset: composition.firstOffset,
  marker_offset: composition.markerOffset,
  digest: composition.digest,
  aggregates: composition.aggregates,
  submitted: composition.submitted,
  submissions: composition.submissions.length,
  to_send: toSend(composition),
  carries: composition.carries.map(({ submissionId }) => submissionId),
  terms: seconds(composition.terms),
});

export const moveRow = (logPartition: number, carry: LeavingCarry): Row => ({
  topic: carry.topic,
  epoch: carry.epoch,
  partition: carry.partition,
  submission_id: carry.submissionId,
  moves: carry.moves,
  to_topic: carry.to.topic,
  to_epoch: carry.to.epoch,
  to_partition: carry.to.partition,
  log_partition: logPartition,
});

const MAX_MESSAGE = 1_000;

export const requestRow = (logPartition: number, request: RequestRecord): Row => ({
  request_id: request.requestId,
  correlation_id: request.correlationId,
  operation: request.operation,
  log_partition: logPartition,
  sent_at: secondsFromMillis(request.sentAt),
  submissions: request.submissionIds,
  ...(request.operation === 'dry-run'
    ? { handling: 'recorded', body: request.body }
    : {
        answered_at: secondsFromMillis(request.answeredAt),
        http_status: request.httpStatus,
        handling: request.handling,
        message: request.message.slice(0, MAX_MESSAGE),
        commerce_request_id: request.commerceRequestId,
        statuses: request.statuses,
      }),
});

export const checkpointRow = (
  topic: string,
  partition: number,
  { nextOffset, resumeOffset, lastRecord }: BridgeCheckpoint,
): Row => ({
  topic,
  partition,
  next_offset: nextOffset,
  resume_offset: resumeOffset,
  last_record: lastRecord?.offset ?? null,
  digest: lastRecord?.digest ?? '',
});

export const refusedRow = (
  topic: string,
  partition: number,
  { record, code, message }: RefusedRecord,
): Row => ({
  topic,
  partition,
  offset: record.offset,
  code,
  message,
  record_timestamp: String(record.timestamp),
  record_key_base64: record.key?.toString('base64') ?? null,
  record_value_base64: record.value?.toString('base64') ?? null,
  record_headers: JSON.stringify(record.headers),
});

/** The columns named in the insert: the given ones, not those that are computed from them. */
export const REFUSED_COLUMNS: [string, ...string[]] = [
  'topic',
  'partition',
  'offset',
  'code',
  'message',
  'record_timestamp',
  'record_key_base64',
  'record_value_base64',
  'record_headers',
];
