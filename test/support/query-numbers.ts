import type { ClickHouseClient } from '@clickhouse/client';
import { queryRows } from '../../services/shared/clickhouse/client.ts';

/** The numbers in the only row of a query, by column. */
export const queryNumbers = async (
  client: ClickHouseClient,
  query: string,
): Promise<Record<string, number>> => {
  const [row] = await queryRows<Record<string, string>>(client, query);
  return Object.fromEntries(Object.entries(row ?? {}).map(([name, n]) => [name, Number(n)]));
};
