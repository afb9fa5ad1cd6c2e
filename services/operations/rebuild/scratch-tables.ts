import type { ClickHouseClient } from '@clickhouse/client';
import { randomUUID } from 'node:crypto';
import { queryRows } from '../../shared/clickhouse/client.ts';
import { USAGE_TABLES, type UsageTables } from '../../shared/usage-store/clickhouse-store.ts';

/** The prefix of the tables into which a repair folds a log again. */
export const SCRATCH_PREFIX = 'rebuild_scratch_';

/** Scratch tables that were not written to for this long belong to a repair that was killed. */
const ABANDONED_SECONDS = 24 * 3_600;

/**
 * Works with empty tables of the same layout as the usage tables. They are dropped afterwards, even if the
 * work fails. Each repair has tables of its own, because it must not judge by another repair's rows.
 */
export const withScratchTables = async <T>(
  client: ClickHouseClient,
  work: (tables: UsageTables) => Promise<T>,
): Promise<T> => {
  const nameOf = (table: string): string => `${prefix}_${table}`;
  const prefix = SCRATCH_PREFIX + randomUUID().replaceAll('-', '');
  const tables: UsageTables = {
    ledger: nameOf(USAGE_TABLES.ledger),
    windows: nameOf(USAGE_TABLES.windows),
    deadLetters: nameOf(USAGE_TABLES.deadLetters),
  };
  const drop = (): Promise<void> => dropTables(client, Object.values(tables));
  let result: T;
  try {
    for (const table of Object.values(USAGE_TABLES)) {
      await client.command({ query: `CREATE TABLE ${nameOf(table)} AS ${table}` });
    }
    result = await work(tables);
  } catch (error) {
    // The first failure is the one to report. Tables that cannot be dropped now are dropped by a later
    // repair.
    await drop().catch(() => undefined);
    throw error;
  }
  await drop();
  return result;
};

/** Drops the scratch tables of repairs that were killed. */
export const dropAbandonedScratchTables = async (
  client: ClickHouseClient,
  idleSeconds: number = ABANDONED_SECONDS,
): Promise<void> => {
  const rows = await queryRows<{ name: string }>(
    client,
    `SELECT t.name AS name FROM system.tables AS t
     LEFT JOIN (SELECT table, max(modification_time) AS written FROM system.parts
         WHERE database = currentDatabase() GROUP BY table) AS p ON p.table = t.name
     WHERE t.database = currentDatabase() AND startsWith(t.name, {prefix:String})
       AND greatest(t.metadata_modification_time, p.written) <= now() - {idle:UInt32}`,
    { prefix: SCRATCH_PREFIX, idle: idleSeconds },
  );
  await dropTables(
    client,
    rows.map(({ name }) => name),
  );
};

const dropTables = async (client: ClickHouseClient, names: readonly string[]): Promise<void> => {
  for (const name of names) await client.command({ query: `DROP TABLE IF EXISTS ${name} SYNC` });
};
