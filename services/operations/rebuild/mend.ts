import type { ClickHouseClient } from '@clickhouse/client';
import { insertRows } from '../../shared/clickhouse/client.ts';
import { failpoint } from '../../shared/process/failpoint.ts';
import type { SourcePartition } from '../../shared/model/source.ts';
import { OF_PARTITION, partitionParams } from '../audit/stored-rows.ts';
import { copyDigest, type Mend } from './compare-page.ts';
import { parts } from './parts.ts';
import type { RecordTable } from './record-table.ts';

/**
 * Brings the rows of records to what the log gives: the right ones first, then the wrong copies go, so
 * that at no time an id is missing that was accepted. Repeating it after an interruption finishes it.
 */
export const mendRows = async <Found>(
  client: ClickHouseClient,
  table: RecordTable<Found>,
  at: SourcePartition,
  mends: readonly Mend<Found>[],
): Promise<void> => {
  const rows = mends.flatMap(({ insert }) => (insert === null ? [] : [table.row(at, insert)]));
  for (const part of parts(rows)) {
    await insertRows(client, table.name, part, { namesColumns: true, large: true });

    failpoint('rebuild-inserted');
  }
  const wrong = mends.flatMap(({ offset, wrong: copies }) =>
    copies.map((copy) => `(${String(offset)}, ${copy})`),
  );
  for (const part of parts(wrong)) {
    await client.command({
      query: `ALTER TABLE ${table.name} DELETE WHERE ${OF_PARTITION}
        AND (offset, ${copyDigest(table)}) IN (${part.join(', ')})`,
      query_params: partitionParams(at),
      clickhouse_settings: { mutations_sync: '2' },
    });
    failpoint('rebuild-deleted');
  }
};
