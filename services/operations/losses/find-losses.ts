import type { ClickHouseClient } from '@clickhouse/client';
import { queryRows } from '../../shared/clickhouse/client.ts';
import { OF_PARTITION, partitionParams } from '../../shared/clickhouse/of-partition.ts';
import {
  describeUnreadable,
  type UnreadableBatch,
} from '../../shared/kafka/fetch/unreadable-batch.ts';
import { otherLog } from '../../shared/kafka/other-log.ts';
import type { LogBounds } from '../../shared/kafka/topics.ts';
import type { Source, SourcePartition } from '../../shared/model/source.ts';
import type { Checkpoint } from '../../shared/usage-fold/chunk.ts';
import type { Place } from '../../shared/usage-fold/place.ts';
import { ClickHouseStore } from '../../shared/usage-store/clickhouse-store.ts';
import type { LostRecords } from './losses.ts';
import { findUnreadable, readableFrom, unreadableAt } from './find-unreadable.ts';
import type { LossTools } from './loss-tools.ts';
import { unpublishedHour } from './unpublished-hour.ts';

/** Records for which the aggregator waits in vain. */
export interface FoundLoss extends LostRecords {
  /** Whether all records before them are counted. Only then can the loss be accepted. */
  readonly isReached: boolean;
  /** Why they are gone, for people. */
  readonly why: string;
  /** How many of these records were already stored, as events or dead letters: they stay counted. */
  readonly kept: number;
}

/** The partitions of live sources whose log does not continue at the checkpoint. */
export const findLosses = async (
  tools: LossTools,
  sources: readonly Source[],
): Promise<readonly FoundLoss[]> => {
  const topics = await tools.admin.topicNames();
  const found: FoundLoss[] = [];
  for (const source of sources) {
    const { topic, epoch, partitions } = source;
    const places = Array.from({ length: partitions }, (_, partition) => {
      return { topic, epoch, partition, source };
    });
    // Before the logs: an aggregator that goes on meanwhile must not be beyond the end that is found.
    const store = new ClickHouseStore(tools.clickHouse);
    const checkpoints = await Promise.all(places.map((place) => store.checkpoint(place)));
    const logs = topics.has(topic) ? await tools.admin.offsets(topic) : null;
    for (const [partition, place] of places.entries()) {
      const checkpoint = checkpoints[partition] ?? null;
      const loss = await lossOf(tools, place, checkpoint, logs?.[partition] ?? null);
      if (loss) found.push(loss);
    }
  }
  return found;
};

const lossOf = async (
  tools: LossTools,
  place: Place,
  checkpoint: Checkpoint | null,
  log: LogBounds | null,
): Promise<FoundLoss | null> => {
  const { source, ...at } = place;
  if (checkpoint?.sealed) return null;
  const reached = checkpoint?.nextOffset ?? 0;
  const found = await gapOf(tools, at, checkpoint, log);
  if (found === null) return null;
  const { fromOffset = reached, nextOffset, why } = found;
  const { kept, end } = await remains(tools.clickHouse, at, fromOffset);
  const openHour = await unpublishedHour(
    tools,
    at,
    source.hourMillis,
    checkpoint?.openHour ?? source.firstHour,
  );
  const common = { ...at, fromOffset, kept, openHour, why, isReached: fromOffset <= reached };
  return nextOffset === null
    ? { ...common, ends: true, nextOffset: Math.max(fromOffset, end) + 1 }
    : { ...common, ends: false, nextOffset: Math.max(nextOffset, end) };
};

/** The part of a log that is still to be counted and is missing. */
interface Gap {
  /** Where it begins; by default at the checkpoint. */
  readonly fromOffset?: number;
  /** Where the log continues; null if it does not. */
  readonly nextOffset: number | null;
  readonly why: string;
}

const gapOf = async (
  tools: LossTools,
  at: SourcePartition,
  checkpoint: Checkpoint | null,
  log: LogBounds | null,
): Promise<Gap | null> => {
  const { reader } = tools;
  const reached = checkpoint?.nextOffset ?? 0;
  if (log === null) {
    return checkpoint && { nextOffset: null, why: 'the topic is gone' };
  }
  if (checkpoint) {
    const reasons: (string | null)[] = [];
    const batch = await unreadableAt(async () => {
      reasons.push(await otherLog(reader, at, checkpoint, log));
      reasons.push(await otherThanLedger(tools, at, reached, log));
    });
    // The last counted record, or a record that the ledger holds after it, can no longer be read.
    if (batch) {
      const nextOffset = await readableFrom(reader, at, batch, log.high);
      return unreadableGap(batch, Math.max(reached, batch.from), Math.max(reached, nextOffset));
    }
    const why = reasons.find((reason) => reason !== null);
    if (why != null) return { nextOffset: null, why };
  }
  if (log.low > reached) {
    const why = `records expired before they were read: the log begins at offset ${String(log.low)}`;
    return { nextOffset: log.low, why };
  }
  const span = await findUnreadable(reader, at, reached, log.high);
  return span && unreadableGap(span.batch, span.batch.from, span.nextOffset);
};

const unreadableGap = (batch: UnreadableBatch, fromOffset: number, nextOffset: number): Gap => ({
  fromOffset,
  nextOffset,
  why: `it cannot be read at ${describeUnreadable(batch)}`,
});

/** Why a log is not the log whose events the ledger holds beyond the checkpoint; null if it may be. */
const otherThanLedger = async (
  { clickHouse, reader, admin }: LossTools,
  at: SourcePartition,
  from: number,
  { low, high }: LogBounds,
): Promise<string | null> => {
  const [row] = await queryRows<{ offset: string; id: string }>(
    clickHouse,
    `SELECT toString(t.offset) AS offset, toString(t.event_id) AS id FROM usage_events AS t
     WHERE ${OF_PARTITION} AND t.offset >= {from:UInt64} ORDER BY t.offset LIMIT 1`,
    { ...partitionParams(at), from },
  );
  const offset = Number(row?.offset ?? -1);
  if (row === undefined || offset < low) return null;
  if (offset >= high) {
    // The log may have grown since its end was looked at: an aggregator goes on meanwhile.
    const end = (await admin.offsets(at.topic))[at.partition]?.high ?? 0;
    if (offset >= end) return `the log ends at offset ${String(end)}`;
  }
  const id = Buffer.from(row.id.replaceAll('-', ''), 'hex');
  const found = await reader.recordAt(at, offset);
  return found?.value?.includes(id)
    ? null
    : `offset ${String(offset)} holds another event than the ledger`;
};

/** The number of records stored from an offset on, and the offset after the last of them. */
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
