import type { ClickHouseClient } from '@clickhouse/client';
import { insertRows, queryRows } from '../../shared/clickhouse/client.ts';
import { partitionName, type SourceId, type SourcePartition } from '../../shared/model/source.ts';
import type { Hour } from '../../shared/model/time.ts';
import { actorName } from '../../shared/sources/actor.ts';
import { recordOperation } from '../../shared/sources/register.ts';

/** Records of a partition that were gone before they were counted. */
export interface LostRecords extends SourcePartition {
  /** The first offset that was not stored. */
  readonly fromOffset: number;
  /** Where counting continues. If the epoch ends with the loss, one past its last offset. */
  readonly nextOffset: number;
  /** Whether the epoch ends, because its log is gone or was replaced by another. */
  readonly ends: boolean;
  /** Hours before this one were published by an owner that did not reach its next checkpoint. */
  readonly openHour: Hour;
}

/**
 * Accepts that records are gone. The aggregator, which has halted there, continues after them. Stored
 * records stay counted; the rest counts as lost. May be repeated.
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

/**
 * The partitions of an epoch that ended with an accepted loss. Whatever their log holds now was not
 * counted.
 */
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
