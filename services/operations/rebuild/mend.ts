import type { ClickHouseClient } from '@clickhouse/client';
import { SEQUENTIAL } from '../../shared/clickhouse/client.ts';
import { OF_PARTITION, partitionParams } from '../../shared/clickhouse/of-partition.ts';
import { failpoint } from '../../shared/process/failpoint.ts';
import { parts } from './parts.ts';
import { copyDigest, type Comparison, type DifferingRecord } from './row-differences.ts';

/**
 * Brings the rows of records to what the log gives: the right ones first, then the wrong copies go, so
 * that at no time an id is missing that was accepted. Repeating it after an interruption finishes it.
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
  // Also where the right row is there: a merge may have put a wrong copy in its place by then.
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
