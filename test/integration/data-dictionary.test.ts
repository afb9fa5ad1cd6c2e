import { readFile, writeFile } from 'node:fs/promises';
import { format, resolveConfig } from 'prettier';
import { queryRows } from '../../services/shared/clickhouse/client.ts';
import { openTestStack, type TestStack } from '../support/test-stack.ts';

const DOCUMENT = 'docs/data-dictionary.md';

const INTRODUCTION = `# Data dictionary

Every table and view of the usage database, from the comments in \`deploy/clickhouse\`. Made by
\`npm run docs:data-dictionary\`; a test holds that it is up to date.

Tables that replace rows by version are read with \`FINAL\`, or through the views.

A price times a quantity: \`toDecimal256('0.008', 10) * quantity\`. It is exact for prices of up to ten decimal places, and
holds results below 10^36. Write the price as a text, and with that scale: \`0.008 * quantity\` is a floating-point number,
and \`toDecimal256('0.008', 30) * quantity\` has 60 decimal places and wraps around without an error from 5.8 × 10^16 on.
\`toDecimal128('0.008', 38) * quantity\` has 68, and wraps around from about 6 × 10^8 on. The view \`usage_costs\` has exact costs.
`;

interface Column {
  readonly table: string;
  readonly table_comment: string;
  readonly engine: string;
  readonly sorting_key: string;
  readonly name: string;
  readonly type: string;
  readonly comment: string;
}

let stack: TestStack;

beforeAll(async () => {
  stack = await openTestStack();
});

afterAll(async () => {
  await stack.close();
});

const columns = (): Promise<readonly Column[]> =>
  queryRows<Column>(
    stack.clickHouse,
    `SELECT t.name AS table, t.comment AS table_comment, t.engine AS engine,
       t.sorting_key AS sorting_key, c.name AS name, c.type AS type, c.comment AS comment
     FROM system.tables AS t INNER JOIN system.columns AS c
       ON c.database = t.database AND c.table = t.name
     WHERE t.database = currentDatabase() ORDER BY t.engine = 'View', t.name, c.position`,
  );

const describeTable = (rows: readonly Column[]): string => {
  const [first] = rows;
  if (!first) return '';
  const isView = first.engine === 'View';
  const kind = isView ? 'View.' : `\`${first.engine}\`, ordered by \`${first.sorting_key}\`.`;
  const cell = (text: string): string => text.replaceAll('|', '\\|');
  return [
    `## ${first.table}`,
    `${first.table_comment}. ${kind}`,
    [
      '| Column | Type | What it is |',
      '|---|---|---|',
      ...rows.map(
        ({ name, type, comment }) => `| \`${name}\` | \`${cell(type)}\` | ${cell(comment)} |`,
      ),
    ].join('\n'),
  ].join('\n\n');
};

test('every table, view and column has a comment', async () => {
  const missing = (await columns())
    .filter(({ table_comment, comment }) => table_comment === '' || comment === '')
    .map(({ table, name }) => `${table}.${name}`);
  expect(missing).toEqual([]);
});

test('the data dictionary is up to date', async () => {
  const text = [INTRODUCTION, ...grouped(await columns()).map(describeTable)].join('\n');
  const options = await resolveConfig(DOCUMENT);
  const expected = await format(text, { ...options, parser: 'markdown' });
  if (process.env['UPDATE_DOCS'] === '1') await writeFile(DOCUMENT, expected);
  expect(await readFile(DOCUMENT, 'utf8')).toBe(expected);
});

const grouped = (rows: readonly Column[]): Column[][] => {
  const tables = new Map<string, Column[]>();
  for (const row of rows) tables.set(row.table, [...(tables.get(row.table) ?? []), row]);
  return [...tables.values()];
};
