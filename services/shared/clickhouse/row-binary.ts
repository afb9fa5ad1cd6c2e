import type { ClickHouseClient, ClickHouseSettings } from '@clickhouse/client';
import { SEQUENTIAL } from './client.ts';

/**
 * The result of a query in RowBinary, in parts that end anywhere. The server sends nothing before it has
 * the whole result, because an error in the middle of binary rows could be taken for rows.
 */
export async function* rowBinary(
  client: ClickHouseClient,
  query: string,
  params: Readonly<Record<string, unknown>>,
  settings: ClickHouseSettings = {},
): AsyncGenerator<Buffer, void> {
  const { stream } = await client.exec({
    query: `${query} FORMAT RowBinary`,
    query_params: { ...params },
    clickhouse_settings: { ...SEQUENTIAL, ...settings, wait_end_of_query: 1 },
  });
  for await (const part of stream) yield part as Buffer;
}
