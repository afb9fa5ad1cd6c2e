import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import {
  startClickHouse,
  type LocalClickHouse,
} from '../../services/development/local/clickhouse/start-clickhouse.ts';
import { openClickHouse } from '../../services/shared/clickhouse/client.ts';
import { clickHouseSettings, parseEnvironment } from '../../services/shared/process/config.ts';
import { inRepository } from '../../services/shared/process/repository.ts';

/** What docs/own-servers.md lets an administrator run for the user, and what that user may do then. */
const documented = (): { readonly database: string; readonly grants: readonly string[] } => {
  const text = readFileSync(inRepository('docs/own-servers.md'), 'utf8');
  const database = /^CREATE DATABASE (\w+);$/m.exec(text)?.[1];
  const grants = [...text.matchAll(/^GRANT (.*) TO usage;$/gm)].map(([, grant = '']) => grant);
  if (database === undefined || grants.length === 0)
    throw new Error('docs/own-servers.md names no grants');
  return { database, grants };
};

/** A ClickHouse with the database of the documents, whose user may do what they name and nothing else. */
export const startGrantedClickHouse = async (directory: string): Promise<LocalClickHouse> => {
  const dataDir = join(directory, 'clickhouse');
  const { database, grants } = documented();
  const administered = await startClickHouse({ dataDir });
  const config = parseEnvironment(clickHouseSettings, administered.environment);
  const client = openClickHouse(config, 'default');
  await client.command({ query: `CREATE DATABASE ${database}` });
  await client.close();
  await administered.stop();
  return startClickHouse({ dataDir, grants });
};
