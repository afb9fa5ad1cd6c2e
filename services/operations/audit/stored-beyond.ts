import type { ClickHouseClient } from '@clickhouse/client';
import type { SourcePartition } from '../../shared/model/source.ts';
import { readCheckpoints } from './checkpoints.ts';
import type { Differences } from './differences.ts';
import { OF_PARTITION, partitionParams, storedRows } from './stored-rows.ts';

/** Finds rows of records that the log does not have yet. The aggregator would take them for its own. */
export const findBeyondLog = async (
  client: ClickHouseClient,
  at: SourcePartition,
  nextOffset: number,
  logEnd: () => Promise<number>,
  differences: Differences,
): Promise<void> => {
  for (const [table, kind] of [
    ['usage_events', 'ledger'],
    ['dead_letters', 'dead-letter'],
  ] as const) {
    const query = `SELECT t.offset FROM ${table} AS t FINAL
      WHERE ${OF_PARTITION} AND t.offset >= {next:UInt64} ORDER BY t.offset`;
    let end: number | null = null;
    for await (const [value] of storedRows(client, query, {
      ...partitionParams(at),
      next: nextOffset,
    })) {
      const offset = Number(value);
      // Read after the row: its record was in the log by then.
      end ??= await logEnd();
      if (offset < end) continue;
      const problem = `is stored, and the log ends at offset ${String(end)}`;
      differences.add(at, kind, `offset ${String(offset)}`, problem, offset);
    }
  }
};

const TABLES = ['usage_events', 'usage_hourly', 'usage_daily', 'dead_letters'];

/**
 * A partition's checkpoint is written before any of its rows, so without a checkpoint there must be no
 * rows.
 */
export const findWithoutCheckpoint = async (
  client: ClickHouseClient,
  at: SourcePartition,
  name: string,
  differences: Differences,
): Promise<void> => {
  for (const table of TABLES) {
    const query = `SELECT count() FROM ${table} AS t WHERE ${OF_PARTITION}`;
    for await (const [count] of storedRows(client, query, partitionParams(at))) {
      if (Number(count) === 0) continue;
      // The partition may have begun just now.
      if ((await readCheckpoints(client)).has(name)) return;
      differences.add(at, 'checkpoint', 'checkpoint', `is not stored, and ${table} has rows of it`);
    }
  }
};
