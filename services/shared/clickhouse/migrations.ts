import type { ClickHouseClient } from '@clickhouse/client';
import { createHash } from 'node:crypto';
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import type { ClickHouseConfig } from '../process/config.ts';
import { UserError } from '../process/errors.ts';
import { isDeniedByClickHouse } from '../process/server-advice.ts';
import { loadMeters } from '../meters/load-meters.ts';
import { METER_CATALOG_FILE, readMeterCatalog } from '../meters/meter-catalog.ts';
import { checkClickHouse, insertRows, openClickHouse, queryRows } from './client.ts';
import { statementsOf } from './statements.ts';
import { inRepository } from '../process/repository.ts';

const MIGRATIONS_DIRECTORY = inRepository('deploy/clickhouse/');

interface Migration {
  readonly name: string;
  readonly sha256: string;
  readonly text: string;
}

type Step = 'begun' | 'done';

interface AppliedRow {
  readonly name: string;
  readonly sha256: string;
  readonly step: Step;
}

/** What a run has changed: the files that it applied; none if the database was up to date. */
export interface MigrationResult {
  readonly applied: readonly string[];
  readonly metersLoaded: number;
}

const HISTORY_TABLE = `CREATE TABLE IF NOT EXISTS schema_migrations
(
    name   String                 COMMENT 'File in deploy/clickhouse, or the meter catalog',
    sha256 String                 COMMENT 'Digest of its content',
    step   LowCardinality(String) COMMENT 'begun, or done',
    at     DateTime64(3, 'UTC') DEFAULT now64(3, 'UTC') COMMENT 'When'
)
ENGINE = MergeTree
ORDER BY (name, at)
COMMENT 'Migrations that were applied to this database'`;

const sha256 = (text: string): string => createHash('sha256').update(text).digest('hex');

const readMigrations = (directory: string): readonly Migration[] =>
  readdirSync(directory)
    .filter((name) => /^\d{4}_.*\.sql$/.test(name))
    .sort()
    .map((name) => {
      const text = readFileSync(join(directory, name), 'utf8');
      return { name, text, sha256: sha256(text) };
    });

/**
 * Brings the database up to date: creates it, applies missing migrations in the order of their names, and
 * loads the meter catalog if it has changed. Running it again, after an interruption or in two processes at
 * once, gives the same database: a statement that was executed before does nothing.
 * @throws UserError if ClickHouse cannot be reached, or a migration that was begun has changed since
 */
export const migrate = async (
  config: ClickHouseConfig,
  directory: string = MIGRATIONS_DIRECTORY,
): Promise<MigrationResult> => {
  await createDatabase(config);
  const client = openClickHouse(config);
  try {
    await client.command({ query: HISTORY_TABLE });
    const applied = await applyMissing(client, readMigrations(directory));
    return { applied, metersLoaded: await loadChangedCatalog(client) };
  } finally {
    await client.close();
  }
};

/** Creates nothing that is there: a user may have a database without the right to create one. */
const createDatabase = async (config: ClickHouseConfig): Promise<void> => {
  const { CLICKHOUSE_DATABASE: database, CLICKHOUSE_USER: user, CLICKHOUSE_URL: url } = config;
  const client = openClickHouse(config, 'default');
  try {
    await checkClickHouse(client, config);
    const [found] = await queryRows<{ result: number }>(client, `EXISTS DATABASE \`${database}\``);
    if (found?.result === 1) return;
    await client.command({ query: `CREATE DATABASE IF NOT EXISTS \`${database}\`` });
  } catch (cause) {
    if (!isDeniedByClickHouse(cause)) throw cause;
    throw new UserError(
      `ClickHouse at ${url} does not let user "${user}" create the database "${database}": create it there, and grant the rights that docs/own-servers.md names`,
      { cause },
    );
  } finally {
    await client.close();
  }
};

const rowsOf = (client: ClickHouseClient): Promise<readonly AppliedRow[]> =>
  queryRows<AppliedRow>(client, 'SELECT name, sha256, step FROM schema_migrations ORDER BY at');

const applyMissing = async (
  client: ClickHouseClient,
  migrations: readonly Migration[],
): Promise<string[]> => {
  const rows = await rowsOf(client);
  refuseChanged(migrations, rows);
  const done = new Set(rows.filter(({ step }) => step === 'done').map(({ name }) => name));
  const applied: string[] = [];
  for (const { name, text, sha256: digest } of migrations) {
    if (done.has(name)) continue;
    const record = (step: Step): Promise<void> =>
      insertRows(client, 'schema_migrations', [{ name, sha256: digest, step }]);
    await record('begun');
    for (const query of statementsOf(text)) await client.command({ query });
    await record('done');
    applied.push(name);
  }
  return applied;
};

const refuseChanged = (migrations: readonly Migration[], rows: readonly AppliedRow[]): void => {
  const changed = migrations.filter(({ name, sha256: digest }) =>
    rows.some((row) => row.name === name && row.sha256 !== digest),
  );
  if (changed.length === 0) return;
  const files = changed.map(({ name }) => name).join(', ');
  throw new UserError(
    `The tables of this database have another layout (${files}), and its data cannot be migrated: ` +
      'remove the data of "npm start" with "npm run clean", or set another CLICKHOUSE_DATABASE',
  );
};

/** The catalog may change. Rows of a newer load replace older ones. */
const loadChangedCatalog = async (client: ClickHouseClient): Promise<number> => {
  const catalog = readMeterCatalog();
  const digest = sha256(JSON.stringify(catalog));
  const last = (await rowsOf(client)).filter(({ name }) => name === METER_CATALOG_FILE).at(-1);
  if (last?.sha256 === digest) return 0;
  await loadMeters(client, catalog);
  await insertRows(client, 'schema_migrations', [
    { name: METER_CATALOG_FILE, sha256: digest, step: 'done' },
  ]);
  return catalog.length;
};
