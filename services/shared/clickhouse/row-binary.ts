import type { ClickHouseClient, ClickHouseSettings } from '@clickhouse/client';
import { codeOf } from '../process/errors.ts';
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

/** TOO_MANY_ROWS_OR_BYTES of ClickHouse's `ErrorCodes.cpp`: a result is over `max_result_bytes`. */
const TOO_LARGE = '396';

/** The same in one piece; null if it has more than `maxBytes`. Without a limit there is none. */
export const wholeRowBinary = async (
  client: ClickHouseClient,
  query: string,
  params: Readonly<Record<string, unknown>>,
  settings: ClickHouseSettings,
  maxBytes: number | null,
): Promise<Buffer | null> => {
  const limit =
    maxBytes === null
      ? {}
      : ({ max_result_bytes: String(maxBytes), result_overflow_mode: 'throw' } as const);
  const parts: Buffer[] = [];
  try {
    for await (const part of rowBinary(client, query, params, { ...settings, ...limit })) {
      parts.push(part);
    }
  } catch (error) {
    if (maxBytes !== null && codeOf(error) === TOO_LARGE) return null;
    throw error;
  }
  return Buffer.concat(parts);
};
