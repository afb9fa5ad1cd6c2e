import type { ClickHouseClient } from '@clickhouse/client';
import { queryRows } from '../../shared/clickhouse/client.ts';
import { OF_PARTITION, partitionParams } from '../../shared/clickhouse/of-partition.ts';
import { CONTROL_HEADER, controlKeyId, isSignedFor } from '../../shared/model/control-record.ts';
import { parseRules } from '../../shared/model/rules.ts';
import { hourOf, millis, nextHour, type Hour, type Millis } from '../../shared/model/time.ts';
import { resume, type Checkpoint } from '../../shared/usage-fold/chunk.ts';
import { initialState, type FoldState } from '../../shared/usage-fold/fold.ts';
import { findKey } from '../../shared/usage-fold/knowledge.ts';
import { PACKED } from '../../shared/usage-fold/packed/form.ts';
import { advance } from '../../shared/usage-fold/timeline.ts';
import type { Place } from '../../shared/usage-fold/place.ts';
import { cannotFold, type RefoldTools } from './refold-tools.ts';

/** The state with which the fold begins where a log begins now. */
export interface Beginning {
  /** Its next offset is the first counted record. */
  readonly state: FoldState;
  /** The first hour whose records all remain; 0 if no record is gone. */
  readonly firstHour: Hour;
}

/**
 * The first offset that can be folded again: where the log begins, or where an accepted loss ends.
 * Remaining records before that were not judged or cannot be read, so they are treated as gone.
 */
export const firstLeft = async (
  client: ClickHouseClient,
  place: Place,
  { nextOffset }: Checkpoint,
  low: number,
): Promise<number> => {
  const [row] = await queryRows<{ next: string }>(
    client,
    `SELECT toString(max(t.next_offset)) AS next FROM losses AS t
     WHERE ${OF_PARTITION} AND NOT t.ended AND t.next_offset <= {next:UInt64}`,
    { ...partitionParams(place), next: nextOffset },
  );
  return Math.max(low, Number(row?.next ?? 0));
};

/**
 * The state at the first remaining record. If others were before it, reported time is the last one stored
 * of those. Rules, floor and seal are those of the checkpoint, unless a remaining control record set them.
 * In that case their earlier values are unknown, and counting begins with that record.
 */
export const beginningOf = async (
  tools: RefoldTools,
  place: Place,
  checkpoint: Checkpoint,
  low: number,
): Promise<Beginning> => {
  const { source } = place;
  if (low <= checkpoint.firstOffset) {
    return { state: initialState(place, low, PACKED), firstHour: 0 as Hour };
  }
  const left = await controlsLeft(tools, place, checkpoint, low);
  const watermark = millis(
    Math.max(source.firstHour, await reportedBefore(tools.client, place, low)),
  );
  const resumed = resume(
    place,
    {
      ...checkpoint,
      firstOffset: low,
      nextOffset: Math.max(low, left.get('rules') ?? low, left.get('floor') ?? low),
      watermark,
      openHour: hourOf(watermark, source.hourMillis),
      sealed: checkpoint.sealed && !left.has('end'),
      floor: left.has('floor') ? null : checkpoint.floor,
      rules: left.has('rules') ? null : checkpoint.rules,
      counts: { accepted: 0, duplicate: 0, deadLettered: 0, control: 0, lost: 0 },
      lastRecord: null,
    },
    [],
    tools.knowledge,
    PACKED,
  );
  if (!resumed.ok) throw cannotFold(place, resumed.error);
  const state = resumed.value;
  const begun = await passBefore(tools, state, low, checkpoint.nextOffset);
  return { state, firstHour: nextHour(begun, source.hourMillis) };
};

/**
 * Moves on to the first counted record by reading the records before it. Returns the hour of that record.
 */
const passBefore = async (
  { reader, knowledge }: RefoldTools,
  state: FoldState,
  low: number,
  end: number,
): Promise<Hour> => {
  let { timeline } = state;
  await reader.read(state.place, low, end, (records) => {
    for (const record of records) {
      const { after, verdict } = advance(state.place, timeline, record, knowledge);
      if (verdict.kind === 'halt') throw cannotFold(state.place, verdict.halt);
      timeline = after;
      if (record.offset >= state.nextOffset) return Promise.resolve('enough');
      state.timeline = timeline;
    }
    return Promise.resolve();
  });
  return timeline.openHour;
};

/** The first remaining control record of each kind. The log is read only if there may be one. */
const controlsLeft = async (
  { reader, knowledge }: RefoldTools,
  place: Place,
  { floor, sealed, nextOffset, counts, rules }: Checkpoint,
  low: number,
): Promise<ReadonlyMap<string, number>> => {
  const found = new Map<string, number>();
  const isFirstRules = rules === null || parseRules(rules)?.version === 1;
  // The first rules are at the beginning of a log, unless they were lost and applied again.
  if (isFirstRules && floor === null && !sealed && counts.lost === 0) return found;
  await reader.read(place, low, nextOffset, (records) => {
    for (const { headers, value, offset } of records) {
      const kind = headers[CONTROL_HEADER];
      if (kind === undefined || found.has(kind)) continue;
      const key = findKey(knowledge, controlKeyId(headers));
      if (key && isSignedFor(place, headers, value, key)) found.set(kind, offset);
    }
    return Promise.resolve();
  });
  return found;
};

/**
 * The last reported time stored of the offsets before a given one, or the open hour after a loss there.
 */
const reportedBefore = async (
  client: ClickHouseClient,
  place: Place,
  offset: number,
): Promise<Millis> => {
  const ofTable = (table: string): string =>
    `SELECT toUnixTimestamp64Milli(max(t.reported_time)) AS time FROM ${table} AS t
     WHERE ${OF_PARTITION} AND t.offset < {offset:UInt64}`;
  const [row] = await queryRows<{ time: string }>(
    client,
    `SELECT toString(max(time)) AS time FROM (
       ${ofTable('usage_events')} UNION ALL ${ofTable('dead_letters')} UNION ALL
       SELECT toInt64(toUnixTimestamp(max(t.open_hour))) * 1000 AS time FROM losses AS t
       WHERE ${OF_PARTITION} AND t.next_offset <= {offset:UInt64})`,
    { ...partitionParams(place), offset },
  );
  return millis(Number(row?.time ?? 0));
};
