import type { ClickHouseClient } from '@clickhouse/client';
import { queryRows } from '../../shared/clickhouse/client.ts';
import { topicOffsets } from '../../shared/kafka/topics.ts';

import { partitionName, type Source, type SourcePartition } from '../../shared/source.ts';
import type { LostRecords } from '../../shared/sources/losses.ts';
import type { Hour } from '../../shared/time.ts';
import { readCheckpoints, type StoredCheckpoint } from '../audit/checkpoints.ts';
import { otherLog } from '../audit/other-log.ts';
import { OF_PARTITION, partitionParams } from '../audit/stored-rows.ts';
import type { LossTools } from './loss-tools.ts';
import { unpublishedHour } from './unpublished-hour.ts';

/** Records that the aggregator waits for in vain. */
export interface FoundLoss extends LostRecords {
  /** Why they are gone, for people. */
  readonly why: string;
  /** Of them those of which events or dead letters are stored: they stay counted. */
  readonly kept: number;
}

/** The partitions of live sources whose log does not go on where the checkpoint stands. */
export const findLosses = async (
  tools: LossTools,
  sources: readonly Source[],
): Promise<readonly FoundLoss[]> => {
  const checkpoints = await readCheckpoints(tools.clickHouse);
  const topics = new Set(await tools.admin.listTopics());
  const found: FoundLoss[] = [];
  for (const source of sources) {
    const { topic, epoch, partitions } = source;
    const logs = topics.has(topic) ? await topicOffsets(tools.admin, topic) : null;
    for (let partition = 0; partition < partitions; partition++) {
      const at = { topic, epoch, partition };
      const checkpoint = checkpoints.get(partitionName(at)) ?? null;
      const loss = await lossOf(tools, source, at, checkpoint, logs?.[partition] ?? null);
      if (loss) found.push(loss);
    }
  }
  return found;
};

const lossOf = async (
  tools: LossTools,
  source: Source,
  at: SourcePartition,
  checkpoint: StoredCheckpoint | null,
  log: { readonly low: number; readonly high: number } | null,
): Promise<FoundLoss | null> => {
  if (checkpoint?.sealed) return null;
  const fromOffset = checkpoint?.nextOffset ?? 0;
  const closedThrough = (checkpoint?.closedThrough ?? source.firstHour) as Hour;
  const other =
    checkpoint &&
    (log === null
      ? 'the topic is gone'
      : ((await otherLog(tools.reader, at, checkpoint, log)) ??
        (await otherThanLedger(tools, at, checkpoint.nextOffset, log))));
  const expired = log !== null && log.low > fromOffset;
  if (other === null && !expired) return null;
  const { kept, end } = await remains(tools.clickHouse, at, fromOffset);
  const openHour = await unpublishedHour(tools, at, source.hourMillis, closedThrough);
  const common = { ...at, fromOffset, kept, openHour };
  if (other !== null) {
    return { ...common, why: other, ends: true, nextOffset: Math.max(fromOffset, end) + 1 };
  }
  const low = log?.low ?? 0;
  return {
    ...common,
    why: `records expired before they were read: the log begins at offset ${String(low)}`,
    ends: false,
    nextOffset: Math.max(low, end),
  };
};

/** Why a log is not the one of which the ledger holds events beyond the checkpoint; null where it may be. */
const otherThanLedger = async (
  { clickHouse, reader }: LossTools,
  at: SourcePartition,
  from: number,
  { low, high }: { readonly low: number; readonly high: number },
): Promise<string | null> => {
  const [row] = await queryRows<{ offset: string; id: string }>(
    clickHouse,
    `SELECT toString(t.offset) AS offset, toString(t.event_id) AS id FROM usage_events AS t
     WHERE ${OF_PARTITION} AND t.offset >= {from:UInt64} ORDER BY t.offset LIMIT 1`,
    { ...partitionParams(at), from },
  );
  const offset = Number(row?.offset ?? -1);
  if (row === undefined || offset < low) return null;
  if (offset >= high) return `the log ends at offset ${String(high)}`;
  const id = Buffer.from(row.id.replaceAll('-', ''), 'hex');
  const found = await reader.recordAt(at, offset);
  return found?.value?.includes(id)
    ? null
    : `offset ${String(offset)} holds another event than the ledger`;
};

/** How many records are stored from an offset on, and one past the last of them. */
const remains = async (
  client: ClickHouseClient,
  at: SourcePartition,
  from: number,
): Promise<{ readonly kept: number; readonly end: number }> => {
  const ofTable = (table: string): string => `SELECT DISTINCT t.offset AS offset FROM ${table} AS t
    WHERE ${OF_PARTITION}
      AND t.offset >= {from:UInt64}`;
  const [row] = await queryRows<{ kept: string; end: string }>(
    client,
    `SELECT toString(count()) AS kept, toString(max(offset) + 1) AS end
     FROM (${ofTable('usage_events')} UNION ALL ${ofTable('dead_letters')})`,
    { ...partitionParams(at), from },
  );
  const kept = Number(row?.kept ?? 0);
  return { kept, end: kept === 0 ? from : Number(row?.end) };
};
