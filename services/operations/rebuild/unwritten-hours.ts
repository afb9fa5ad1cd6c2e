import type { ClickHouseClient } from '@clickhouse/client';
import { insertRows, queryRows } from '../../shared/clickhouse/client.ts';
import type { SourceId } from '../../shared/model/source.ts';
import type { RestatedHour } from './restated-windows.ts';
import { rangeParams, type HourRange } from './window-differences.ts';

/** A restatement that was recorded before its rows were written, and not after. */
export interface UnwrittenHour extends RestatedHour {
  readonly generation: number;
}

/** What interrupted restatements of a range have left. */
export const readUnwritten = (
  client: ClickHouseClient,
  range: HourRange,
): Promise<readonly UnwrittenHour[]> =>
  queryRows<UnwrittenHour>(
    client,
    `SELECT partition, toUnixTimestamp(r.reported_hour) * 1000 AS "reportedHour",
       toUInt32(argMax(r.windows, (r.generation, r.at))) AS windows, max(r.generation) AS generation
     FROM restatements AS r
     WHERE r.topic = {topic:String} AND r.epoch = {epoch:UInt32} AND r.windows > 0
       AND r.reported_hour >= toDateTime({from:UInt32}, 'UTC') AND r.reported_hour < toDateTime({to:UInt32}, 'UTC')
     GROUP BY partition, "reportedHour"
     HAVING max(r.generation) > maxIf(r.generation, r.written)
     ORDER BY partition, "reportedHour"`,
    rangeParams(range),
  );

/** Records that all rows of restated hours are written. */
export const recordWritten = (
  client: ClickHouseClient,
  { topic, epoch }: SourceId,
  hours: readonly UnwrittenHour[],
  { actor, reason }: { readonly actor: string; readonly reason: string },
): Promise<void> =>
  insertRows(
    client,
    'restatements',
    hours.map(({ partition, reportedHour, generation, windows }) => ({
      topic,
      epoch,
      partition,
      reported_hour: reportedHour / 1000,
      generation,
      windows,
      written: true,
      reason,
      actor,
    })),
  );
