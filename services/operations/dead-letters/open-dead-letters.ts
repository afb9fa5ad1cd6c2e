import type { ClickHouseClient } from '@clickhouse/client';
import { queryRows } from '../../shared/clickhouse/client.ts';

/** How many records were refused about which nobody has done anything yet. */
export const countOpenDeadLetters = async (client: ClickHouseClient): Promise<number> => {
  const [row] = await queryRows<{ n: string }>(
    client,
    `SELECT toString(count()) AS n FROM dead_letters AS d FINAL
     WHERE (d.topic, d.epoch, d.partition, d.offset)
       NOT IN (SELECT topic, epoch, partition, offset FROM dispositions)`,
  );
  return Number(row?.n ?? 0);
};
