import { insertRows } from '../../services/shared/clickhouse/client.ts';
import { migrate } from '../../services/shared/clickhouse/migrations.ts';
import { openTestStack, type TestStack } from '../support/test-stack.ts';

let stack: TestStack;

beforeAll(async () => {
  stack = await openTestStack();
});

afterAll(async () => {
  await stack.close();
});

test('tables that are up to date are left as they are', async () => {
  expect(await migrate(stack.config)).toEqual({ applied: [], metersLoaded: 0 });
});

test('tables of another layout are refused in one line that says what to do', async () => {
  const row = { name: '0001_usage.sql', sha256: 'of an older version', step: 'done' };
  await insertRows(stack.clickHouse, 'schema_migrations', [row]);
  await expect(migrate(stack.config)).rejects.toThrow(
    /^The tables of this database have another layout \(0001_usage\.sql\).*"npm run clean".*CLICKHOUSE_DATABASE$/,
  );
});
