import type { ClickHouseClient } from '@clickhouse/client';
import { queryRows } from '../../shared/clickhouse/client.ts';
import {
  submissionColumns,
  submissionFrom,
  type SubmissionColumns,
} from '../../shared/billing/submission-columns.ts';
import { hourFromSeconds } from '../../shared/clickhouse/values.ts';
import type { SourcePartition } from '../../shared/model/source.ts';
import type { Hour } from '../../shared/model/time.ts';
import type { Carriable } from '../../shared/model/usage-carry.ts';

/** A submission that is not billed, and may be carried. */
export interface UnbilledSubmission extends Carriable {
  /** Why Commerce refused it; empty if it was never sent. */
  readonly code: string;
  readonly message: string;
}

/** Which submissions; null means no condition. */
export interface SubmissionFilter {
  readonly outcome: 'held' | 'dead-lettered';
  readonly code: string | null;
  /** A local meter, without regard to case. */
  readonly meter: string | null;
  readonly from: Hour | null;
  readonly end: Hour | null;
}

interface Row extends SourcePartition, SubmissionColumns {
  readonly hour: number;
  readonly code: string;
  readonly message: string;
}

/** Reads submissions that are held or were refused for good, in the order of their hours. */
export const readUnbilled = async (
  client: ClickHouseClient,
  { outcome, code, meter, from, end }: SubmissionFilter,
): Promise<readonly UnbilledSubmission[]> => {
  const conditions = ['u.outcome = {outcome:String}'];
  if (code !== null) conditions.push('u.code = {code:String}');
  if (meter !== null)
    conditions.push('arrayExists(m -> lower(m) = lower({meter:String}), u.meters)');
  if (from !== null) conditions.push("u.reported_hour >= toDateTime({from:UInt32}, 'UTC')");
  if (end !== null) conditions.push("u.reported_hour < toDateTime({end:UInt32}, 'UTC')");
  const rows = await queryRows<Row>(
    client,
    `SELECT u.topic AS topic, u.epoch AS epoch, u.partition AS partition,
       toUnixTimestamp(u.reported_hour) AS hour, ${submissionColumns('u')},
       u.code AS code, u.message AS message
     FROM commerce_usage AS u WHERE ${conditions.join(' AND ')}
     ORDER BY u.reported_hour, u.topic, u.epoch, u.partition, u.resource_key, u.dimension_key`,
    {
      outcome,
      code,
      meter,
      from: from === null ? null : from / 1000,
      end: end === null ? null : end / 1000,
    },
  );
  return rows.map(({ topic, epoch, partition, ...row }) => ({
    at: { topic, epoch, partition },
    hour: hourFromSeconds(row.hour),
    submission: submissionFrom(row),
    code: row.code,
    message: row.message,
  }));
};
