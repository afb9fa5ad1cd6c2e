import type { ClickHouseClient } from '@clickhouse/client';
import { SEQUENTIAL } from '../../shared/clickhouse/client.ts';
import type { SourcePartition } from '../../shared/model/source.ts';
import type { Value } from './differences.ts';

/**
 * Columns by name, with the SQL that reads them: decimals and large integers as text, times as numbers.
 */
export type Columns = Readonly<Record<string, string>>;

export const OF_PARTITION =
  'topic = {topic:String} AND epoch = {epoch:UInt32} AND partition = {partition:UInt16}';

export const partitionParams = ({
  topic,
  epoch,
  partition,
}: SourcePartition): Record<string, unknown> => ({ topic, epoch, partition });

/** The SQL that selects columns from a table with the alias `t`. */
export const selected = (columns: Columns): string => Object.values(columns).join(', ');

/** A column in seconds, as milliseconds. */
export const instant = (column: string): string => `toInt64(toUnixTimestamp(t.${column})) * 1000`;
export const millisecond = (column: string): string => `toUnixTimestamp64Milli(t.${column})`;

/** Yields the rows of a query as they arrive. */
export async function* storedRows(
  client: ClickHouseClient,
  query: string,
  params: Readonly<Record<string, unknown>>,
): AsyncGenerator<Value[], void, undefined> {
  const result = await client.query({
    query,
    query_params: { ...params },
    format: 'JSONCompactEachRow',
    clickhouse_settings: { ...SEQUENTIAL, output_format_json_quote_64bit_integers: 0 },
  });
  for await (const rows of result.stream<Value[]>()) for (const row of rows) yield row.json();
}

/** A decimal of the engine without trailing zeros. */
export const shortest = (decimal: Value | undefined): Value =>
  typeof decimal === 'string' && decimal.includes('.')
    ? decimal.replace(/\.?0+$/, '')
    : (decimal ?? null);
