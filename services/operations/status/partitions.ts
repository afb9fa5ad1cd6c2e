import type { ClickHouseClient } from '@clickhouse/client';
import type { KafkaAdmin } from '../../shared/kafka/admin.ts';
import { queryRows } from '../../shared/clickhouse/client.ts';
import { sourceName } from '../../shared/model/source.ts';
import { isRead } from '../../shared/sources/check-topics.ts';
import { readSources, type RegisteredSource } from '../../shared/sources/register.ts';
import { isoText, millis, type Hour } from '../../shared/model/time.ts';
import { PATIENCE_MILLIS, troubleOf, type PartitionProgress } from './trouble.ts';

/** The progress of one partition of a source. */
export interface PartitionStatus {
  readonly topic: string;
  readonly epoch: number;
  readonly partition: number;
  readonly state: string;
  readonly openHour: string | null;
  readonly accepted: number;
  readonly duplicate: number;
  readonly deadLettered: number;
  readonly control: number;
  /** Records that were gone before they were read: `usagectl loss accept`. */
  readonly lost: number;
  readonly nextOffset: number;
  /** Null if the log is gone. */
  readonly lag: number | null;
  /** What is wrong with it, in words; null if nothing is. */
  readonly trouble: string | null;
}

interface CheckpointRow {
  readonly topic: string;
  readonly epoch: number;
  readonly partition: number;
  readonly closed: number;
  readonly accepted: string;
  readonly duplicate: string;
  readonly dead_lettered: string;
  readonly control: string;
  readonly lost: string;
  readonly next_offset: string;
  readonly sealed: boolean;
  readonly age: string;
}

/** Ages are measured by the clock of ClickHouse, which wrote the times. */
const AGE = (column: string): string =>
  `toString(dateDiff('millisecond', ${column}, now64(3, 'UTC'))) AS age`;

const checkpointsOf = (client: ClickHouseClient): Promise<readonly CheckpointRow[]> =>
  queryRows(
    client,
    `SELECT topic, epoch, partition, toUnixTimestamp(c.open_hour) AS closed,
       toString(c.accepted) AS accepted, toString(c.duplicate) AS duplicate,
       toString(c.dead_lettered) AS dead_lettered, toString(c.control) AS control,
       toString(c.lost) AS lost, toString(c.next_offset) AS next_offset, sealed, ${AGE('c.written_at')}
     FROM checkpoints AS c FINAL`,
  );

const agesOf = async (client: ClickHouseClient): Promise<ReadonlyMap<string, number>> => {
  const rows = await queryRows<{ topic: string; epoch: number; age: string }>(
    client,
    `SELECT topic, epoch, ${AGE('s.changed_at')} FROM sources AS s FINAL`,
  );
  return new Map(rows.map((row) => [sourceName(row), Number(row.age)]));
};

/** What the broker says about each partition of a topic; empty if the topic is gone. */
const logsOf = async (
  admin: KafkaAdmin,
  topic: string,
  existing: ReadonlySet<string>,
): Promise<ReadonlyMap<number, NonNullable<PartitionProgress['log']>>> => {
  if (!existing.has(topic)) return new Map();
  const offsets = await admin.offsets(topic);
  const recent = await admin.offsetsSince(topic, millis(Date.now() - PATIENCE_MILLIS));
  return new Map(
    offsets.map(({ partition, high }) => [
      partition,
      { high, firstRecent: recent.get(partition) ?? high },
    ]),
  );
};

/** Reads the progress of every partition: its checkpoint, and the end of its log. */
export const readPartitions = async (
  client: ClickHouseClient,
  admin: KafkaAdmin,
): Promise<readonly PartitionStatus[]> => {
  const checkpoints = new Map(
    (await checkpointsOf(client)).map((row) => [
      `${sourceName(row)} ${String(row.partition)}`,
      row,
    ]),
  );
  const ages = await agesOf(client);
  const sources = (await readSources(client)).filter(isRead);
  const existing = await admin.topicNames();
  const perSource = await Promise.all(
    sources.map(async (source) => {
      const logs = await logsOf(admin, source.topic, existing);
      return Array.from({ length: source.partitions }, (_, partition) =>
        statusOf(
          source,
          partition,
          checkpoints.get(`${sourceName(source)} ${String(partition)}`) ?? null,
          logs.get(partition) ?? null,
          ages.get(sourceName(source)) ?? 0,
        ),
      );
    }),
  );
  return perSource.flat();
};

const statusOf = (
  source: RegisteredSource,
  partition: number,
  row: CheckpointRow | null,
  log: PartitionProgress['log'],
  sourceAge: number,
): PartitionStatus => {
  const { topic, epoch, state, kind, hourMillis, firstHour } = source;
  const nextOffset = Number(row?.next_offset ?? 0);
  const openHour = (row ? row.closed * 1000 : firstHour) as Hour;
  return {
    topic,
    epoch,
    partition,
    state,
    openHour: row && isoText(openHour),
    accepted: Number(row?.accepted ?? 0),
    duplicate: Number(row?.duplicate ?? 0),
    deadLettered: Number(row?.dead_lettered ?? 0),
    control: Number(row?.control ?? 0),
    lost: Number(row?.lost ?? 0),
    nextOffset,
    lag: log && log.high - nextOffset,
    trouble: troubleOf(
      {
        kind,
        hourMillis,
        nextOffset,
        openHour,
        isSealed: row?.sealed ?? false,
        quietFor: row ? Number(row.age) : sourceAge,
        log,
      },
      Date.now(),
    ),
  };
};
