import type { ClickHouseClient } from '@clickhouse/client';
import { SEQUENTIAL } from '../../shared/clickhouse/client.ts';
import { OF_PARTITION, partitionParams } from '../../shared/clickhouse/of-partition.ts';
import { failpoint } from '../../shared/process/failpoint.ts';
import { parts } from './parts.ts';
import { copyDigest, type Comparison, type DifferingRecord } from './row-differences.ts';

/**
 * Corrects the rows of records by the log. The right rows are written first and the wrong copies deleted
 * then, so that no accepted id is ever missing. Repeating it after an interruption finishes it.
 */
export const mendRows = async (
  client: ClickHouseClient,
  { table, at, scratch }: Comparison,
  records: readonly DifferingRecord[],
): Promise<void> => {
  const run = (query: string): Promise<unknown> =>
    client.command({
      query,
      query_params: partitionParams(at),
      clickhouse_settings: { ...SEQUENTIAL, mutations_sync: '2' },
    });
  const columns = table.stored.join(', ');
  // The right row is written even if it exists: a merge may replace it by a wrong copy meanwhile.
  const given = records
    .filter(({ kind }) => kind !== 'phantom')
    .map(({ offset }) => String(offset));
  for (const part of parts(given)) {
    await run(`INSERT INTO ${table.name} (${columns}) SELECT ${columns} FROM ${scratch}
      WHERE ${OF_PARTITION} AND offset IN (${part.join(', ')})`);
    failpoint('rebuild-inserted');
  }
  const wrong = records.flatMap(({ offset, wrong: copies }) =>
    copies.map((copy) => `(${String(offset)}, ${copy})`),
  );
  for (const part of parts(wrong)) {
    await run(`ALTER TABLE ${table.name} DELETE WHERE ${OF_PARTITION}
      AND (offset, ${copyDigest(table)}) IN (${part.join(', ')})`);
    failpoint('rebuild-deleted');
  }
};
