import type { ClickHouseClient } from '@clickhouse/client';
import { partitionName, type SourcePartition } from '../../shared/model/source.ts';
import { recordDigest } from '../../shared/model/record-mark.ts';
import type { LogRecord } from '../../shared/model/log-record.ts';
import { contradiction, type Differences, type Value, type Values } from './differences.ts';
import type { Recount } from './recount.ts';
import {
  instant,
  millisecond,
  OF_PARTITION,
  partitionParams,
  selected,
  storedRows,
  type Columns,
} from './stored-rows.ts';

/** A stored checkpoint. Times are in milliseconds since 1970. */
export interface StoredCheckpoint extends SourcePartition {
  readonly firstOffset: number;
  readonly nextOffset: number;
  readonly openHour: number;
  readonly sealed: boolean;
  readonly floor: number | null;
  readonly accepted: number;
  readonly duplicate: number;
  readonly deadLettered: number;
  readonly control: number;
  /** Records that were gone before they were read, as somebody has accepted. */
  readonly lost: number;
  readonly lastRecord: number | null;
  readonly digest: string;
  readonly rules: string;
  /** The values in the order of the compared columns. */
  readonly values: Values;
}

const COUNTS: Columns = {
  first_offset: 't.first_offset',
  accepted: 't.accepted',
  duplicate: 't.duplicate',
  dead_lettered: 't.dead_lettered',
  control: 't.control',
  lost: 't.lost',
};
const STATE: Columns = {
  next_offset: 't.next_offset',
  watermark: millisecond('watermark'),
  open_hour: instant('open_hour'),
  sealed: 't.sealed',
  floor: millisecond('floor'),
  last_record: 't.last_record',
  digest: 't.digest',
  rules: 't.rules',
};
const COLUMNS = Object.keys({ ...COUNTS, ...STATE });

/** All checkpoints, by `partitionName`. */
export const readCheckpoints = async (
  client: ClickHouseClient,
): Promise<ReadonlyMap<string, StoredCheckpoint>> => {
  const query = `SELECT t.topic, t.epoch, t.partition, ${selected({ ...COUNTS, ...STATE })}
    FROM checkpoints AS t FINAL`;
  const found = new Map<string, StoredCheckpoint>();
  for await (const [topic, epoch, partition, ...values] of storedRows(client, query, {})) {
    const of = (column: string): Value => values[COLUMNS.indexOf(column)] ?? null;
    const checkpoint = {
      topic: String(topic),
      epoch: Number(epoch),
      partition: Number(partition),
      firstOffset: Number(of('first_offset')),
      nextOffset: Number(of('next_offset')),
      openHour: Number(of('open_hour')),
      sealed: of('sealed') === true,
      floor: of('floor') as number | null,
      accepted: Number(of('accepted')),
      duplicate: Number(of('duplicate')),
      deadLettered: Number(of('dead_lettered')),
      control: Number(of('control')),
      lost: Number(of('lost')),
      lastRecord: of('last_record') as number | null,
      digest: String(of('digest')),
      rules: String(of('rules')),
      values,
    };
    found.set(partitionName(checkpoint), checkpoint);
  }
  return found;
};

/**
 * Compares a checkpoint with the recount up to it. Counts are not compared if the recount began after the
 * first record.
 */
export const compareCheckpoint = (
  checkpoint: StoredCheckpoint,
  recount: Recount,
  log: { readonly low: number; readonly last: LogRecord | null; readonly whole: boolean },
  differences: Differences,
): void => {
  const { counts } = recount;
  const counted = [
    log.low,
    counts.accepted,
    counts.duplicate,
    counts.deadLettered,
    counts.control,
    0,
  ];
  const state = [
    recount.nextOffset,
    recount.watermark,
    recount.openHour,
    recount.sealed,
    recount.floor,
    log.last?.offset ?? null,
    log.last === null ? '' : recordDigest(log.last),
    recount.rules,
  ];
  const skipped = log.whole ? 0 : counted.length;
  const problem = contradiction(
    COLUMNS.slice(skipped),
    [...counted, ...state].slice(skipped),
    checkpoint.values.slice(skipped),
  );
  if (problem) differences.add(checkpoint, 'checkpoint', 'checkpoint', problem);
};

/**
 * Checks the conservation law (docs/design.md, "The conservation law") on stored rows alone. It also holds
 * for records that cannot be recounted.
 */
export const checkConservation = async (
  client: ClickHouseClient,
  checkpoint: StoredCheckpoint,
  floor: number,
  /** Where the log ends now; the checkpoint if the log is gone. */
  logEnd: () => Promise<number>,
  differences: Differences,
): Promise<void> => {
  const { nextOffset, firstOffset, accepted, duplicate, deadLettered, control, lost } = checkpoint;
  const add = (problem: string): void =>
    differences.add(checkpoint, 'conservation', 'conservation law', problem);
  const sum = accepted + duplicate + deadLettered + control + lost;
  if (sum !== nextOffset - firstOffset) {
    add(
      `accepted, duplicate, dead-lettered, control and lost are ${String(sum)} together, and ${String(nextOffset - firstOffset)} offsets were read`,
    );
  }
  const params = { ...partitionParams(checkpoint), next: nextOffset };
  const one = async (query: string): Promise<readonly number[]> => {
    for await (const row of storedRows(client, query, params)) return row.map(Number);
    return [];
  };
  const [ledger = 0] = await one(
    `SELECT count() FROM usage_events AS t FINAL WHERE ${OF_PARTITION} AND t.offset < {next:UInt64}`,
  );
  // A trim deletes rows from the ledger of every source.
  if (floor === 0 ? ledger !== accepted : ledger > accepted) {
    add(`${String(accepted)} events are accepted, and the ledger has ${String(ledger)}`);
  }
  const [letters = 0] = await one(
    `SELECT count() FROM dead_letters AS t FINAL WHERE ${OF_PARTITION} AND t.offset < {next:UInt64}`,
  );
  if (letters !== deadLettered) {
    add(`${String(deadLettered)} records are refused, and ${String(letters)} are dead letters`);
  }
  const [events = 0, last = 0] = await one(
    `SELECT sum(t.event_count), max(t.last_offset) FROM usage_hourly AS t FINAL WHERE ${OF_PARTITION}`,
  );
  // Windows that were written after the checkpoint hold more, if the log goes further.
  const isAhead = last >= nextOffset && (await logEnd()) > nextOffset;
  if (!isAhead && events !== accepted) {
    add(`${String(accepted)} events are accepted, and the windows hold ${String(events)}`);
  }
};
