import type { ClickHouseClient } from '@clickhouse/client';
import { readFileSync } from 'node:fs';
import { inRepository } from '../../../services/shared/process/repository.ts';
import type { Difference } from '../../../services/operations/audit/differences.ts';
import { queryRows } from '../../../services/shared/clickhouse/client.ts';
import { partitionName, type SourcePartition } from '../../../services/shared/model/source.ts';

interface Column {
  readonly name: string;
  readonly type: string;
  readonly isKey: boolean;
}

const DOCUMENTED = readFileSync(inRepository('docs/audit.md'), 'utf8');

/** The columns of a table that the documentation says are not compared. */
export const notCompared = (table: string): readonly string[] => {
  const row = DOCUMENTED.split('\n').find((line) => line.startsWith(`| \`${table}\``));
  if (row === undefined) throw new Error(`docs/audit.md does not say what of ${table} is compared`);
  return [...row.matchAll(/`(\w+)`/g)].map(([, name]) => name ?? '').slice(1);
};

/** The columns of a table that can be inserted. */
export const columnsOf = async (
  client: ClickHouseClient,
  table: string,
): Promise<readonly Column[]> => {
  const rows = await queryRows<{ name: string; type: string; key: number }>(
    client,
    `SELECT name, type, is_in_sorting_key AS key FROM system.columns
     WHERE database = currentDatabase() AND table = {table:String}
       AND default_kind NOT IN ('EPHEMERAL', 'ALIAS', 'MATERIALIZED') ORDER BY position`,
    { table },
  );
  return rows.map(({ name, type, key }) => ({ name, type, isKey: key === 1 }));
};

const namesOf = (columns: readonly Column[]): string => columns.map(({ name }) => name).join(', ');

/** The least change of a value, in SQL. */
const changed = ({ name, type }: Column): string => {
  const plain = type.replace(/^(?:Nullable|LowCardinality)\((.*)\)$/, '$1');
  if (plain.startsWith('DateTime64')) {
    return `ifNull(${name}, toDateTime64(0, 3, 'UTC')) + INTERVAL 1 MILLISECOND`;
  }
  if (plain.startsWith('DateTime')) return `${name} + INTERVAL 1 SECOND`;
  if (plain.startsWith('Decimal')) {
    return `${name} + toDecimal256('0.000000000000000000000000000001', 30)`;
  }
  if (name === 'partition') return 'partition + 100'; // which no source has
  if (/^U?Int/.test(plain)) return `ifNull(${name}, 0) + 1`;
  if (plain === 'Bool') return `NOT ${name}`;
  if (plain === 'UUID') return 'generateUUIDv4()';
  if (plain === 'Array(UUID)') return `arrayPushBack(${name}, generateUUIDv4())`;
  if (plain === 'Array(String)') return `arrayPushBack(${name}, 'x')`;
  if (plain.startsWith('Map(')) return `mapUpdate(${name}, map('1999-01', toDecimal256('1', 30)))`;
  return `concat(ifNull(${name}, ''), 'x')`;
};

/** Keeps tables as they are, runs something that damages them, and puts them back. */
export const restoring = async <T>(
  client: ClickHouseClient,
  tables: readonly string[],
  run: () => Promise<T>,
): Promise<T> => {
  const kept = tables.map((table) => `kept_${table}`);
  const command = async (query: string): Promise<void> => {
    await client.command({ query });
  };
  const columns = await Promise.all(
    tables.map(async (table) => namesOf(await columnsOf(client, table))),
  );
  for (const [n, table] of tables.entries()) {
    await command(
      `CREATE TABLE ${kept[n] ?? ''} ENGINE = MergeTree ORDER BY tuple() AS
       SELECT ${columns[n] ?? ''} FROM ${table} FINAL`,
    );
  }
  try {
    return await run();
  } finally {
    for (const [n, table] of tables.entries()) {
      const names = columns[n] ?? '';
      await command(`TRUNCATE TABLE ${table}`);
      await command(`INSERT INTO ${table} (${names}) SELECT ${names} FROM ${kept[n] ?? ''}`);
      await command(`DROP TABLE ${kept[n] ?? ''}`);
    }
  }
};

/** One cell that was changed: of a row that nothing else was changed in. */
export interface Damage {
  readonly column: string;
  readonly partition: string;
  /** What tells the row, as it was. */
  readonly row: string;
}

/**
 * Changes one cell in each of as many rows as the table has columns: of the n-th row the n-th column,
 * whether it is part of the row's key or not.
 * @param where the rows that may be changed
 * @param row SQL of what tells a row
 */
export const damageEveryColumn = async (
  client: ClickHouseClient,
  table: string,
  { where, row }: { readonly where: string; readonly row: string },
  except: readonly string[] = [],
): Promise<readonly Damage[]> => {
  const columns = await columnsOf(client, table);
  const damaged = columns.filter(({ name }) => !except.includes(name));
  const names = namesOf(columns);
  const keys = namesOf(columns.filter(({ isKey }) => isKey));
  const command = async (query: string): Promise<void> => {
    await client.command({ query, clickhouse_settings: { mutations_sync: '1' } });
  };
  await command(
    `CREATE TABLE damaged ENGINE = MergeTree ORDER BY n AS
     SELECT rowNumberInAllBlocks() AS n, * FROM (
       SELECT ${names} FROM ${table} AS t FINAL WHERE ${where} ORDER BY ${names}
       LIMIT ${String(damaged.length)})`,
  );
  try {
    const rows = await queryRows<SourcePartition & { readonly told: string }>(
      client,
      `SELECT topic, epoch, partition, toString(${row}) AS told FROM damaged ORDER BY n`,
    );
    if (rows.length < damaged.length) throw new Error(`${table} has too few rows to be damaged`);
    await command(`ALTER TABLE ${table} DELETE WHERE (${keys}) IN (SELECT ${keys} FROM damaged)`);
    const cells = columns.map((column) => {
      const n = damaged.indexOf(column);
      return n < 0 ? column.name : `if(n = ${String(n)}, ${changed(column)}, ${column.name})`;
    });
    await command(`INSERT INTO ${table} (${names}) SELECT ${cells.join(', ')} FROM damaged`);
    return rows.map((each, n) => ({
      column: damaged[n]?.name ?? '',
      partition: partitionName(each),
      row: each.told,
    }));
  } finally {
    await command('DROP TABLE damaged');
  }
};

/** Changes some cells of the only row that there is. */
export const damageRow = async (
  client: ClickHouseClient,
  table: string,
  where: string,
  cells: readonly string[],
): Promise<void> => {
  const columns = await columnsOf(client, table);
  const names = namesOf(columns);
  const values = columns.map((column) =>
    cells.includes(column.name) ? changed(column) : column.name,
  );
  const command = async (query: string): Promise<void> => {
    await client.command({ query, clickhouse_settings: { mutations_sync: '1' } });
  };
  await command(
    `CREATE TABLE damaged ENGINE = MergeTree ORDER BY tuple() AS
     SELECT ${names} FROM ${table} FINAL WHERE ${where}`,
  );
  await command(`ALTER TABLE ${table} DELETE WHERE ${where}`);
  await command(`INSERT INTO ${table} (${names}) SELECT ${values.join(', ')} FROM damaged`);
  await command('DROP TABLE damaged');
};

/** Those that no difference tells of: by naming the column, or the whole row as missing. */
export const unnoticed = (
  damages: readonly Damage[],
  differences: readonly Difference[],
  kind: Difference['kind'],
): readonly string[] =>
  damages
    .filter(
      ({ column, partition, row }) =>
        !differences.some(
          (found) =>
            found.kind === kind &&
            found.partition === partition &&
            (String(found.offset) === row || found.row.includes(row)) &&
            (found.problem.includes(`${column} is `) || found.problem.startsWith('is not ')),
        ),
    )
    .map(({ column }) => column);
