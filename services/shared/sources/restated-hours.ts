import type { ClickHouseClient } from '@clickhouse/client';
import { queryRows } from '../clickhouse/client.ts';
import { hourFromSeconds } from '../clickhouse/values.ts';
import { sourceName, type SourceId } from '../model/source.ts';
import { isoText, millis, type Millis } from '../model/time.ts';

/** A reported hour whose rows were recomputed after it had closed. */
export interface RestatedHour {
  readonly hour: Millis;
  /** The generations of its sources, added up. Each source counts its own, so the greatest would not do. */
  readonly generation: number;
}

/** The same of one source. */
export interface Restatement extends RestatedHour, SourceId {
  /** Whether all of its rows are written. Until then a reader may find old and new rows. */
  readonly isWritten: boolean;
}

/** All reported time: ClickHouse's DateTime ends here. */
export const ALL_TIME = { from: millis(0), to: millis((2 ** 32 - 1) * 1000) };

/**
 * What was restated in `[from, to)` of reported time, in any source: each with its newest generation. A restatement is recorded before its
 * first row is written, and again after its last one. So rows that are read between two equal readings without one that is not written are
 * all of before or all of after.
 */
export const readRestatements = async (
  client: ClickHouseClient,
  { from, to }: { readonly from: Millis; readonly to: Millis },
): Promise<readonly Restatement[]> => {
  const rows = await queryRows<SourceId & { hour: number; generation: number; unwritten: number }>(
    client,
    `SELECT topic, epoch, hour, max(begun) AS generation, max(begun > done) AS unwritten
     FROM (
       SELECT topic, epoch, partition, toUnixTimestamp(r.reported_hour) AS hour,
         max(r.generation) AS begun, maxIf(r.generation, r.written) AS done
       FROM restatements AS r
       WHERE r.reported_hour >= toDateTime({from:UInt32}, 'UTC')
         AND r.reported_hour < toDateTime({to:UInt32}, 'UTC') AND r.windows > 0
       GROUP BY topic, epoch, partition, hour)
     GROUP BY topic, epoch, hour`,
    // ClickHouse's DateTime begins in 1970; nothing was reported before that.
    { from: Math.max(0, from / 1000), to: Math.max(0, to / 1000) },
  );
  return rows.map(({ hour, unwritten, ...row }) => ({
    ...row,
    hour: hourFromSeconds(hour),
    isWritten: unwritten === 0,
  }));
};

/** The hours that sources restated, in order, as far as a source counts for an hour. */
export const restatedHoursWhere = (
  restatements: readonly Restatement[],
  isCounted: (restatement: Restatement) => boolean,
): readonly RestatedHour[] => {
  const sums = new Map<Millis, number>();
  for (const restatement of restatements.filter(isCounted)) {
    const { hour, generation } = restatement;
    sums.set(hour, (sums.get(hour) ?? 0) + generation);
  }
  return [...sums]
    .map(([hour, generation]) => ({ hour, generation }))
    .sort((a, b) => a.hour - b.hour);
};

const isOf = (sources: readonly SourceId[]): ((restatement: Restatement) => boolean) => {
  const counted = new Set(sources.map(sourceName));
  return (restatement) => counted.has(sourceName(restatement));
};

/** The hours that these sources restated, in order. */
export const restatedHours = (
  restatements: readonly Restatement[],
  sources: readonly SourceId[],
): readonly RestatedHour[] => restatedHoursWhere(restatements, isOf(sources));

/** The first hour whose restated rows these sources have not written yet; null if there is none. */
export const firstUnwritten = (
  restatements: readonly Restatement[],
  sources: readonly SourceId[],
): Millis | null => {
  const hours = restatements
    .filter(({ isWritten }) => !isWritten)
    .filter(isOf(sources))
    .map(({ hour }) => hour);
  return hours.length === 0 ? null : millis(Math.min(...hours));
};

/** For the operator: restatements that are not written yet, one sentence for each source, and how to finish them. */
export const unwrittenTexts = (
  restatements: readonly Restatement[],
  hourMillis: number,
): readonly string[] => {
  const bySource = new Map<string, Restatement[]>();
  for (const each of restatements.filter(({ isWritten }) => !isWritten)) {
    bySource.set(sourceName(each), [...(bySource.get(sourceName(each)) ?? []), each]);
  }
  return [...bySource.values()].map((group) => {
    const [{ topic, epoch } = { topic: '', epoch: 0 }] = group;
    const hours = group.map(({ hour }) => hour).sort((a, b) => a - b);
    const from = isoText(millis(hours[0] ?? 0));
    const to = isoText(millis((hours.at(-1) ?? 0) + hourMillis));
    return (
      `${topic}: ${hours.length === 1 ? 'a reported hour is' : `${String(hours.length)} reported hours are`} being restated, from ${from} on. ` +
      `Nobody gets ${hours.length === 1 ? 'it' : 'them'} until that is finished. If "usagectl rebuild" does not run any more, finish it: ` +
      `npx usagectl rebuild ${topic} --epoch ${String(epoch)} --from ${from} --to ${to} --apply --reason "finish an interrupted restatement"`
    );
  });
};
