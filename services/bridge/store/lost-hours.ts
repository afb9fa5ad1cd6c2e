import type { ClickHouseClient } from '@clickhouse/client';
import { queryRows } from '../../shared/clickhouse/client.ts';
import {
  submissionColumns,
  submissionFrom,
  type SubmissionColumns,
} from '../../shared/billing/submission-columns.ts';
import { hourFromSeconds } from '../../shared/clickhouse/values.ts';
import { partitionName, type SourcePartition } from '../../shared/model/source.ts';
import type { Hour } from '../../shared/model/time.ts';
import { carryOf, type CarryReason, type UsageCarry } from '../../shared/model/usage-carry.ts';
import { ClickHouseStore as UsageStore } from '../../shared/usage-store/clickhouse-store.ts';
import type { ClosedSource, LostHours } from '../recover-lost.ts';

const closedSources = async (client: ClickHouseClient): Promise<readonly ClosedSource[]> => {
  const restated = new Map<string, Set<Hour>>();
  for (const row of await queryRows<SourcePartition & { readonly hour: number }>(
    client,
    `SELECT DISTINCT topic, epoch, partition, toUnixTimestamp(reported_hour) AS hour
     FROM restatements WHERE windows > 0`,
  )) {
    const hours = restated.get(partitionName(row)) ?? new Set();
    restated.set(partitionName(row), hours.add(hourFromSeconds(row.hour)));
  }
  const rows = await queryRows<SourcePartition & { readonly open: number }>(
    client,
    `SELECT topic, epoch, partition, toUnixTimestamp(c.open_hour) AS open FROM checkpoints AS c FINAL`,
  );
  return rows.map(({ topic, epoch, partition, open }) => {
    const at = { topic, epoch, partition };
    const openHour = hourFromSeconds(open);
    return { ...at, openHour, restated: restated.get(partitionName(at)) ?? new Set() };
  });
};

interface CarriedRow extends SourcePartition, SubmissionColumns {
  readonly hour: number;
  readonly code: string;
  /** Where it was moved last; empty if it never was. */
  readonly to_topic: string;
  readonly to_epoch: number;
  readonly to_partition: number;
  readonly moves: number;
}

/** What the sender records for a carry is "Expired"; the rest is recorded by its reason. */
const reasonOf = (code: string): CarryReason =>
  code === 'released' || code === 'resubmitted' ? code : 'expired';

const waitingCarries = async (client: ClickHouseClient): Promise<readonly UsageCarry[]> => {
  const rows = await queryRows<CarriedRow>(
    client,
    `SELECT u.topic AS topic, u.epoch AS epoch, u.partition AS partition,
       toUnixTimestamp(u.reported_hour) AS hour, ${submissionColumns('u')}, u.code AS code,
       m.to_topic AS to_topic, m.to_epoch AS to_epoch, m.to_partition AS to_partition,
       m.moves AS moves
     FROM commerce_usage AS u
     LEFT JOIN (
       SELECT submission_id, argMax(c.to_topic, c.moves) AS to_topic,
         argMax(c.to_epoch, c.moves) AS to_epoch, argMax(c.to_partition, c.moves) AS to_partition,
         toUInt32(max(c.moves)) + 1 AS moves
       FROM carry_moves AS c GROUP BY submission_id
     ) AS m ON m.submission_id = u.submission_id
     WHERE u.outcome = 'carried'
       AND u.submission_id NOT IN (SELECT arrayJoin(carries) FROM compositions)
     ORDER BY u.reported_hour, submission_id`,
  );
  return rows.map(({ topic, epoch, partition, ...row }) => {
    const carry = carryOf(
      {
        at: { topic, epoch, partition },
        hour: hourFromSeconds(row.hour),
        submission: submissionFrom(row),
      },
      reasonOf(row.code),
    );
    return row.to_topic === ''
      ? carry
      : {
          ...carry,
          topic: row.to_topic,
          epoch: row.to_epoch,
          partition: row.to_partition,
          moves: row.moves,
        };
  });
};

/** What the usage tables and the bridge's own hold of what its log has lost. */
export const lostHours = (client: ClickHouseClient): LostHours => {
  const usage = new UsageStore(client);
  return {
    closed: () => closedSources(client),
    windowsInOrder: (place, hour) => usage.windowsInOrder(place, hour),
    waitingCarries: () => waitingCarries(client),
  };
};
