import type { ClickHouseClient } from '@clickhouse/client';
import { queryRows } from '../clickhouse/client.ts';
import { hourFromSeconds } from '../clickhouse/values.ts';
import { sourceName, type SourceId } from '../model/source.ts';
import type { Millis } from '../model/time.ts';

/** A reported hour whose rows were recomputed after it had closed. */
export interface RestatedHour {
  readonly hour: Millis;
  /** The generations of its sources, added up. Each source counts its own, so the greatest would not do. */
  readonly generation: number;
}

/** The same of one source. */
export interface Restatement extends RestatedHour, SourceId {}

/** What was restated in `[from, to)` of reported time, in any source: each with its newest generation. */
export const readRestatements = async (
  client: ClickHouseClient,
  { from, to }: { readonly from: Millis; readonly to: Millis },
): Promise<readonly Restatement[]> => {
  const rows = await queryRows<SourceId & { hour: number; generation: number }>(
    client,
    `SELECT topic, epoch, toUnixTimestamp(r.reported_hour) AS hour, max(r.generation) AS generation
     FROM restatements AS r
     WHERE r.reported_hour >= toDateTime({from:UInt32}, 'UTC')
       AND r.reported_hour < toDateTime({to:UInt32}, 'UTC') AND r.windows > 0
     GROUP BY topic, epoch, hour`,
    // ClickHouse's DateTime begins in 1970; nothing was reported before that.
    { from: Math.max(0, from / 1000), to: Math.max(0, to / 1000) },
  );
  return rows.map(({ hour, ...row }) => ({ ...row, hour: hourFromSeconds(hour) }));
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

/** The hours that these sources restated, in order. */
export const restatedHours = (
  restatements: readonly Restatement[],
  sources: readonly SourceId[],
): readonly RestatedHour[] => {
  const counted = new Set(sources.map(sourceName));
  return restatedHoursWhere(restatements, (restatement) => counted.has(sourceName(restatement)));
};
