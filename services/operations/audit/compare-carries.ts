import type { ClickHouseClient } from '@clickhouse/client';
import { partitionName, type Source, type SourcePartition } from '../../shared/model/source.ts';
import { isoText, millis } from '../../shared/model/time.ts';
import type { Differences } from './differences.ts';
import { instant, millisecond, storedRows } from './stored-rows.ts';

/**
 * A quantity that Commerce no longer accepted must be inside exactly one later submission. No other
 * quantity may be.
 *
 * | outcome of a submission           | inside others | is              |
 * |-----------------------------------|---------------|-----------------|
 * | carried                           | one           | right           |
 * | carried, hours have closed since  | none          | lost            |
 * | at its place                      |               |                 |
 * | none yet                          | one           | about to be recorded |
 * | accepted, or any other            | one           | billed twice    |
 * | any                               | several       | billed twice    |
 */
export const compareCarries = async (
  client: ClickHouseClient,
  register: readonly Source[],
  wanted: string | null,
  differences: Differences,
): Promise<void> => {
  const composed = await lastComposed(client);
  const inside = await carriedIds(client);
  const moves = await lastMoves(client);
  const rows = storedRows(
    client,
    `SELECT t.topic, t.epoch, t.partition, ${instant('reported_hour')}, toString(t.submission_id),
       t.outcome, ${millisecond('at')}
     FROM commerce_outcomes AS t FINAL
     WHERE t.outcome = 'carried' OR t.submission_id IN
       (SELECT arrayJoin(carries) FROM commerce_submissions)
     ORDER BY t.topic, t.epoch, t.partition, t.reported_hour, t.submission_id`,
    {},
  );
  for await (const [topic, epoch, partition, reported, id, outcome, told] of rows) {
    const at = { topic: String(topic), epoch: Number(epoch), partition: Number(partition) };
    const times = inside.get(String(id)) ?? 0;
    // A quantity that was carried to a place before an hour began is in that hour or an earlier one.
    const arrived = moves.get(String(id)) ?? { at, told: Number(told) };
    const { hourMillis = Infinity } =
      register.find((source) => source.topic === arrived.at.topic) ?? {};
    const isLate = (composed.get(partitionName(arrived.at)) ?? 0) > arrived.told + hourMillis;
    const problem = carryProblem(String(outcome), times, isLate);
    if (problem === null || (wanted !== null && at.topic !== wanted)) continue;
    const row = `reported ${isoText(millis(Number(reported)))} ${String(id)}`;
    differences.add(at, 'billing', row, problem);
  }
};

const carryProblem = (outcome: string, inside: number, isLate: boolean): string | null => {
  if (inside > 1) return `is carried into ${String(inside)} submissions`;
  if (outcome !== 'carried') {
    return inside === 1
      ? `is carried into a later submission, and its outcome is ${outcome}`
      : null;
  }
  return inside === 0 && isLate ? 'was carried, and is inside no submission' : null;
};

/**
 * For each carried submission, the number of submissions that contain it. Only submissions of composed
 * hours count.
 */
const carriedIds = async (client: ClickHouseClient): Promise<ReadonlyMap<string, number>> => {
  const inside = new Map<string, number>();
  const query = `SELECT toString(arrayJoin(t.carries)) AS id, count() FROM commerce_submissions AS t FINAL
    WHERE notEmpty(t.carries) AND (t.topic, t.epoch, t.partition, t.reported_hour) IN
      (SELECT topic, epoch, partition, reported_hour FROM compositions)
    GROUP BY id`;
  for await (const [id, times] of storedRows(client, query, {})) {
    inside.set(String(id), Number(times));
  }
  return inside;
};

/** Where the carry of a submission is that was moved, and since when at the latest, by the submission's id. */
const lastMoves = async (
  client: ClickHouseClient,
): Promise<ReadonlyMap<string, { readonly at: SourcePartition; readonly told: number }>> => {
  const last = new Map<string, { readonly at: SourcePartition; readonly told: number }>();
  const query = `SELECT toString(t.submission_id), t.to_topic, t.to_epoch, t.to_partition, ${millisecond('at')}
    FROM carry_moves AS t FINAL ORDER BY t.moves`;
  for await (const [id, topic, epoch, partition, told] of storedRows(client, query, {})) {
    const at = { topic: String(topic), epoch: Number(epoch), partition: Number(partition) };
    last.set(String(id), { at, told: Number(told) });
  }
  return last;
};

/** The last composed hour of each partition. */
const lastComposed = async (client: ClickHouseClient): Promise<ReadonlyMap<string, number>> => {
  const last = new Map<string, number>();
  const query = `SELECT t.topic, t.epoch, t.partition, max(${instant('reported_hour')})
    FROM compositions AS t GROUP BY t.topic, t.epoch, t.partition`;
  for await (const [topic, epoch, partition, hour] of storedRows(client, query, {})) {
    const at = { topic: String(topic), epoch: Number(epoch), partition: Number(partition) };
    last.set(partitionName(at), Number(hour));
  }
  return last;
};
