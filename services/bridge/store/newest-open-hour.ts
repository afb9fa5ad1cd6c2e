import type { ClickHouseClient } from '@clickhouse/client';
import { queryRows } from '../../shared/clickhouse/client.ts';
import { hourFromSeconds } from '../../shared/clickhouse/values.ts';
import { hourOf, millis, type Hour } from '../../shared/model/time.ts';

/** The newest reported hour that can be open, by the live partitions' checkpoints and by our clock. */
export const newestOpenHour = async (
  client: ClickHouseClient,
  hourMillis: number,
  now: number,
): Promise<Hour> => {
  const [row] = await queryRows<{ readonly open: number }>(
    client,
    `SELECT toUnixTimestamp(max(c.open_hour)) AS open FROM checkpoints AS c FINAL
     WHERE (topic, epoch) IN (SELECT topic, epoch FROM sources FINAL WHERE kind = 'live')`,
  );
  return Math.max(hourOf(millis(now), hourMillis), hourFromSeconds(row?.open ?? 0)) as Hour;
};
