import type { ClickHouseClient } from '@clickhouse/client';
import { queryRows } from '../../shared/clickhouse/client.ts';

/** The condition for open rows of `dead_letters AS d`: nobody has done anything about them yet. */
export const IS_OPEN = `(d.topic, d.epoch, d.partition, d.offset)
  NOT IN (SELECT topic, epoch, partition, offset FROM dispositions)`;

/** The number of open dead letters. */
export const countOpenDeadLetters = async (client: ClickHouseClient): Promise<number> => {
  const [row] = await queryRows<{ n: string }>(
    client,
    `SELECT toString(count()) AS n FROM dead_letters AS d FINAL WHERE ${IS_OPEN}`,
  );
  return Number(row?.n ?? 0);
};
