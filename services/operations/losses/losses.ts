import type { ClickHouseClient } from '@clickhouse/client';
import { insertRows, queryRows } from '../../shared/clickhouse/client.ts';
import { partitionName, type SourceId, type SourcePartition } from '../../shared/model/source.ts';
import type { Hour } from '../../shared/model/time.ts';
import { actorName } from '../../shared/sources/actor.ts';
import { recordOperation } from '../../shared/sources/register.ts';

/** Records of a partition that are gone before they were counted. */
export interface LostRecords extends SourcePartition {
  /** The first offset that was not stored. */
  readonly fromOffset: number;
  /** Where counting continues; where the epoch of the topic ends with it, one past its last offset. */
  readonly nextOffset: number;
  /** Whether the epoch ends, because its log is gone or another one is in its place. */
  readonly ends: boolean;
  /** Hours before it were published by an owner that did not get to its checkpoint. */
  readonly openHour: Hour;
}

/**
 * Accepts that records are gone: the aggregator, which has halted there, continues after them. What was
 * stored of them stays counted; the rest is counted as lost. May be repeated.
 */
export const acceptLosses = async (
  client: ClickHouseClient,
  losses: readonly LostRecords[],
  reason: string,
): Promise<void> => {
  const actor = actorName();
  await insertRows(
    client,
    'losses',
    losses.map(({ topic, epoch, partition, fromOffset, nextOffset, ends, openHour }) => ({
      topic,
      epoch,
      partition,
      from_offset: fromOffset,
      next_offset: nextOffset,
      ended: ends,
      open_hour: openHour / 1000,
      reason,
      actor,
    })),
  );
  for (const loss of losses) {
    const { fromOffset, nextOffset, ends } = loss;
    await recordOperation(client, {
      kind: 'loss-accepted',
      subject: partitionName(loss),
      detail: { fromOffset, nextOffset, ends, reason },
    });
  }
};

/** The partitions of an epoch that ended with an accepted loss: whatever their log holds was not counted. */
export const endedWithLoss = async (
  client: ClickHouseClient,
  { topic, epoch }: SourceId,
): Promise<readonly number[]> => {
  const rows = await queryRows<{ partition: number }>(
    client,
    `SELECT DISTINCT partition FROM losses
     WHERE topic = {topic:String} AND epoch = {epoch:UInt32} AND ended`,
    { topic, epoch },
  );
  return rows.map(({ partition }) => partition);
};
