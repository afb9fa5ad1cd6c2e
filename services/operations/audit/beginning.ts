import type { ClickHouseClient } from '@clickhouse/client';
import {
  CONTROL_HEADER,
  controlKeyId,
  isSignedFor,
  type Keyring,
} from '../../shared/model/control-record.ts';
import type { LogRecord } from '../../shared/model/log-record.ts';
import { parseRules } from '../../shared/model/rules.ts';
import type { Source, SourcePartition } from '../../shared/model/source.ts';
import type { StoredCheckpoint } from './checkpoints.ts';
import type { LogReader } from '../../shared/kafka/log-reader.ts';
import type { Beginning } from './recount.ts';
import { instant, OF_PARTITION, partitionParams, storedRows } from './stored-rows.ts';

/** What the log said before the first remaining record, if earlier records have expired. */
export interface LateBeginning {
  readonly beginning: Beginning;
  /** From this offset on, the rules and the floor in force are known. */
  readonly countedFrom: number;
}

/** The state before the first record of an epoch: nothing has been counted. */
export const firstBeginning = (source: Source, low: number): Beginning => ({
  offset: low,
  watermark: source.firstHour,
  openHour: source.firstHour,
  sealed: false,
  floor: null,
  rules: null,
});

/**
 * The offset from which the log can be recounted: its first record, or the first after an accepted loss.
 * Remaining records before that were not judged, or lie before an unreadable batch, so they are treated as
 * gone.
 */
export const firstCounted = async (
  client: ClickHouseClient,
  at: SourcePartition,
  { nextOffset }: StoredCheckpoint,
  low: number,
): Promise<number> => {
  const rows = storedRows(
    client,
    `SELECT max(t.next_offset) FROM losses AS t
     WHERE ${OF_PARTITION} AND NOT t.ended AND t.next_offset <= {next:UInt64}`,
    { ...partitionParams(at), next: nextOffset },
  );
  for await (const [next] of rows) return Math.max(low, Number(next));
  return low;
};

/**
 * The state where the log begins now. Reported time is the last one stored of the records before it. Rules,
 * floor and seal are those of the checkpoint, unless a remaining control record set them. In that case
 * their earlier values are unknown, and counting begins with that record.
 */
export const lateBeginning = async (
  tools: {
    readonly client: ClickHouseClient;
    readonly reader: LogReader;
    readonly keyring: Keyring;
  },
  at: SourcePartition,
  source: Source,
  checkpoint: StoredCheckpoint,
  low: number,
): Promise<LateBeginning> => {
  const left = await controlsLeft(tools.reader, tools.keyring, at, checkpoint, low);
  const countedFrom = Math.max(low, left.get('rules') ?? low, left.get('floor') ?? low);
  const watermark = Math.max(
    source.firstHour,
    await reportedBefore(tools.client, at, low),
    await openAfterLoss(tools.client, at, low),
  );
  return {
    countedFrom,
    beginning: {
      offset: countedFrom,
      watermark,
      openHour: Math.floor(watermark / source.hourMillis) * source.hourMillis,
      sealed: checkpoint.sealed && !left.has('end'),
      floor: left.has('floor') ? null : checkpoint.floor,
      rules: left.has('rules') || checkpoint.rules === '' ? null : checkpoint.rules,
    },
  };
};

/** The first remaining control record of each kind. The log is read only if there may be one. */
const controlsLeft = async (
  reader: LogReader,
  keyring: Keyring,
  at: SourcePartition,
  checkpoint: StoredCheckpoint,
  low: number,
): Promise<ReadonlyMap<string, number>> => {
  const found = new Map<string, number>();
  const { floor, sealed, nextOffset, lost } = checkpoint;
  const rules = parseRules(checkpoint.rules);
  // The first rules are at the beginning of a log, unless they were lost and applied again.
  if (rules?.version === 1 && floor === null && !sealed && lost === 0) return found;
  const note = (record: LogRecord): void => {
    const kind = record.headers[CONTROL_HEADER];
    if (kind === undefined || found.has(kind)) return;
    const key = keyring.find(({ id }) => id === controlKeyId(record.headers));
    if (key && isSignedFor(at, record.headers, record.value, key)) found.set(kind, record.offset);
  };
  await reader.read(at, low, nextOffset, (records) => {
    records.forEach(note);
    return Promise.resolve();
  });
  return found;
};

/** After lost records the open hour is one that had not been published when the loss was accepted. */
const openAfterLoss = async (
  client: ClickHouseClient,
  at: SourcePartition,
  offset: number,
): Promise<number> => {
  const rows = storedRows(
    client,
    `SELECT ${instant('open_hour')} FROM losses AS t
     WHERE ${OF_PARTITION} AND t.next_offset <= {offset:UInt64} ORDER BY t.open_hour DESC LIMIT 1`,
    { ...partitionParams(at), offset },
  );
  for await (const [openHour] of rows) return Number(openHour);
  return 0;
};

const reportedBefore = async (
  client: ClickHouseClient,
  at: SourcePartition,
  offset: number,
): Promise<number> => {
  let last = 0;
  for (const table of ['usage_events', 'dead_letters']) {
    const rows = storedRows(
      client,
      `SELECT count(), toUnixTimestamp64Milli(max(t.reported_time)) FROM ${table} AS t
       WHERE ${OF_PARTITION} AND t.offset < {offset:UInt64}`,
      { ...partitionParams(at), offset },
    );
    for await (const [count, time] of rows)
      if (Number(count) > 0) last = Math.max(last, Number(time));
  }
  return last;
};
