import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { makeDirectory } from '../../../shared/process/directory.ts';

/**
 * What a client of the embedded engine may do: work with tables in the data directory, and nothing that
 * reads or writes elsewhere. What is not listed here is refused, so that additions in other versions of the
 * engine are refused too. Three mechanisms enforce this:
 *
 * | what                             | held by                                                  |
 * |----------------------------------|----------------------------------------------------------|
 * | statements, sources (url, s3, …) | the engine: the user has the grants below, no others     |
 * | settings that name a place       | the engine: they cannot be changed                       |
 * | what the engine asks no grant for| `guard.ts`, from the statement's tokens                  |
 */
export const GRANTS: readonly string[] = [
  'SHOW, SELECT, INSERT, ALTER, TRUNCATE, OPTIMIZE, CHECK ON *.*',
  'CREATE DATABASE, CREATE TABLE, CREATE VIEW ON *.*',
  // Table functions, numbers() too, count as temporary tables.
  'CREATE TEMPORARY TABLE ON *.*',
  'DROP DATABASE, DROP TABLE, DROP VIEW, UNDROP TABLE ON *.*',
];

/**
 * Table functions that read only tables here, or numbers. Functions that take a structure (format, values,
 * generateRandom, input, null) are excluded: a column may have a default expression there, in a text that
 * only the engine parses, such as `b String ALIAS file('…')`.
 */
const TABLE_FUNCTIONS: ReadonlySet<string> = new Set([
  'generateSeries',
  'generate_series',
  'loop',
  'merge',
  'numbers',
  'numbers_mt',
  'primes',
  'view',
  'viewExplain',
  'viewIfPermitted',
  'zeros',
  'zeros_mt',
]);

/** Engines of tables and databases that keep their data in the data directory, or in memory. */
const ENGINES: ReadonlySet<string> = new Set([
  'AggregatingMergeTree',
  'Atomic',
  'CoalescingMergeTree',
  'CollapsingMergeTree',
  'Join',
  'Log',
  'MaterializedView',
  'Memory',
  'Merge',
  'MergeTree',
  'Null',
  'ReplacingMergeTree',
  'Set',
  'StripeLog',
  'SummingMergeTree',
  'TinyLog',
  'VersionedCollapsingMergeTree',
  'View',
]);

/** Settings with a text value that names no file and no server, and holds no SQL. */
const TEXT_SETTINGS: ReadonlySet<string> = new Set([
  'bool_false_representation',
  'bool_true_representation',
  'column_names_for_schema_inference',
  'compatibility',
  'count_distinct_implementation',
  'force_data_skipping_indices',
  'force_optimize_projection_name',
  'format_csv_null_representation',
  'format_custom_field_delimiter',
  'format_custom_result_after_delimiter',
  'format_custom_result_before_delimiter',
  'format_custom_row_after_delimiter',
  'format_custom_row_before_delimiter',
  'format_custom_row_between_delimiter',
  'format_json_object_each_row_column_for_object_name',
  'format_regexp',
  'format_tsv_null_representation',
  'ignore_data_skipping_indices',
  'input_format_mysql_dump_table_name',
  'insert_deduplication_token',
  'log_comment',
  'output_format_orc_writer_time_zone_name',
  'output_format_pretty_grid_charset',
  'output_format_sql_insert_table_name',
  'preferred_optimize_projection_name',
  'query_cache_tag',
]);

/** Types of settings whose value may be any text, or chooses another language for the query. */
export const OPEN_TYPES = ['String', 'Map', 'URI', 'Dialect'];

/** Further settings: they let SQL stand in a string, or send data to a language model. Not every version has them. */
export const LOCKED_SETTINGS = [
  'allow_experimental_eval_table_function',
  'allow_experimental_ai_functions',
];

/** What a version of the engine has, according to its system tables. */
export interface EngineInventory {
  readonly tableFunctions: readonly string[];
  /** Of tables and of databases. */
  readonly engines: readonly string[];
  /** Those of `OPEN_TYPES` with their aliases, and those of `LOCKED_SETTINGS`. */
  readonly textSettings: readonly string[];
}

/** What `guard.ts` refuses; names in lower case. */
export interface Forbidden {
  readonly tableFunctions: ReadonlySet<string>;
  readonly engines: ReadonlySet<string>;
}

const without = (all: readonly string[], allowed: ReadonlySet<string>): readonly string[] =>
  all.filter((name) => !allowed.has(name));

const inLowerCase = (names: readonly string[]): ReadonlySet<string> =>
  new Set(names.map((name) => name.toLowerCase()));

export const forbiddenOf = ({ tableFunctions, engines }: EngineInventory): Forbidden => ({
  tableFunctions: inLowerCase(without(tableFunctions, TABLE_FUNCTIONS)),
  engines: inLowerCase(without(engines, ENGINES)),
});

const usersXml = (inventory: EngineInventory, grants: readonly string[]): string => `<clickhouse>
  <profiles>
    <default>
      <constraints>
${without(inventory.textSettings, TEXT_SETTINGS)
  .map((name) => `        <${name}><const/></${name}>`)
  .join('\n')}
      </constraints>
    </default>
  </profiles>
  <quotas><default/></quotas>
  <users>
    <default>
      <password></password>
      <networks><ip>::/0</ip></networks>
      <profile>default</profile>
      <quota>default</quota>
      <grants>
${grants.map((grant) => `        <query>GRANT ${grant}</query>`).join('\n')}
      </grants>
    </default>
  </users>
</clickhouse>
`;

const escapeXml = (text: string): string =>
  text.replaceAll('&', '&amp;').replaceAll('<', '&lt;').replaceAll('>', '&gt;');

/** Writes the engine's configuration below a directory; returns the file to start it with. */
export const writeAccess = async (
  directory: string,
  inventory: EngineInventory,
  grants: readonly string[],
): Promise<string> => {
  const folder = join(directory, 'access');
  const users = join(folder, 'users.xml');
  const config = join(folder, 'config.xml');
  await makeDirectory('ClickHouse', folder);
  await writeFile(users, usersXml(inventory, grants));
  await writeFile(
    config,
    `<clickhouse>\n  <users_config>${escapeXml(users)}</users_config>\n</clickhouse>\n`,
  );
  return config;
};
