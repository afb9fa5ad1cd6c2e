import type { ClickHouseClient } from '@clickhouse/client';
import { LAST_MOVES } from '../../shared/billing/last-moves.ts';
import { queryRows } from '../../shared/clickhouse/client.ts';
import {
  submissionColumns,
  submissionFrom,
  type SubmissionColumns,
} from '../../shared/billing/submission-columns.ts';
import { hourFromSeconds } from '../../shared/clickhouse/values.ts';
import type { SourcePartition } from '../../shared/model/source.ts';
import { carryOf, type CarryReason, type UsageCarry } from '../../shared/model/usage-carry.ts';
import { arrived, type LeavingCarry } from '../fold/source-progress.ts';

/** Not in a composition, as a condition on `submission_id` of an alias. */
const isInNone = (alias: string): string =>
  `${alias}.submission_id NOT IN (SELECT arrayJoin(carries) FROM compositions)`;

/** The places are those of its last move, empty if it never was moved. */
interface WaitingRow extends SourcePartition, SubmissionColumns {
  readonly hour: number;
  readonly code: string;
  readonly from_topic: string;
  readonly from_epoch: number;
  readonly from_partition: number;
  readonly to_topic: string;
  readonly to_epoch: number;
  readonly to_partition: number;
  readonly moves: number;
  readonly log_partition: number;
}

/** What the sender records for a carry is "Expired"; the rest is recorded by its reason. */
const reasonOf = (code: string): CarryReason =>
  code === 'released' || code === 'resubmitted' ? code : 'expired';

/** One that was moved counts as carried, although its outcome may not be recorded yet. */
const readWaiting = (client: ClickHouseClient): Promise<readonly WaitingRow[]> =>
  queryRows<WaitingRow>(
    client,
    `SELECT u.topic AS topic, u.epoch AS epoch, u.partition AS partition,
       toUnixTimestamp(u.reported_hour) AS hour, ${submissionColumns('u')}, u.code AS code,
       m.last.topic AS from_topic, m.last.epoch AS from_epoch, m.last.partition AS from_partition,
       m.last.to_topic AS to_topic, m.last.to_epoch AS to_epoch, m.last.to_partition AS to_partition,
       m.last.log_partition AS log_partition, m.moves AS moves
     FROM commerce_usage AS u
     LEFT JOIN (${LAST_MOVES}) AS m ON m.submission_id = u.submission_id
     WHERE (u.outcome = 'carried' OR to_topic != '') AND ${isInNone('u')}
     ORDER BY u.reported_hour, submission_id`,
  );

const composedCarry = ({ topic, epoch, partition, ...row }: WaitingRow): UsageCarry =>
  carryOf(
    {
      at: { topic, epoch, partition },
      hour: hourFromSeconds(row.hour),
      submission: submissionFrom(row),
    },
    reasonOf(row.code),
  );

const leavingCarry = (row: WaitingRow): LeavingCarry => ({
  ...composedCarry(row),
  topic: row.from_topic,
  epoch: row.from_epoch,
  partition: row.from_partition,
  moves: row.moves,
  to: { topic: row.to_topic, epoch: row.to_epoch, partition: row.to_partition },
});

/** Carries that no composition has, where they were last moved, or where they were composed. */
export const waitingCarries = async (client: ClickHouseClient): Promise<readonly UsageCarry[]> =>
  (await readWaiting(client)).map((row) =>
    row.to_topic === '' ? composedCarry(row) : arrived(leavingCarry(row)),
  );

/** Carries that no composition has, and that have left a partition of the aggregates topic last. */
export const leavingCarries = async (
  client: ClickHouseClient,
  logPartition: number,
): Promise<readonly LeavingCarry[]> => {
  // Mostly there is none; all submissions are read only where there is one.
  const [some] = await queryRows<{ readonly n: string }>(
    client,
    `SELECT toString(count()) AS n FROM carry_moves AS m
     WHERE m.log_partition = {logPartition:UInt16} AND ${isInNone('m')}`,
    { logPartition },
  );
  if (some?.n === '0') return [];
  return (await readWaiting(client))
    .filter((row) => row.to_topic !== '' && row.log_partition === logPartition)
    .map(leavingCarry);
};
