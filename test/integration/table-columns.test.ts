import { queryRows } from '../../services/shared/clickhouse/client.ts';
import { LedgerBlock } from '../../services/shared/usage-fold/packed/packed-ledger.ts';
import { WindowRows } from '../../services/shared/usage-fold/packed/window-rows.ts';
import { ROLL_UP_DAYS } from '../../services/shared/usage-store/roll-up-days.ts';
import { placeOf } from '../support/fold/fixtures.ts';
import { openTestStack, type TestStack } from '../support/test-stack.ts';

let stack: TestStack;

beforeAll(async () => {
  stack = await openTestStack();
});

afterAll(async () => {
  await stack.close();
});

const written: Readonly<Record<string, readonly string[]>> = {
  usage_events: new LedgerBlock(placeOf()).packed(0, 0).columns,
  usage_hourly: new WindowRows(placeOf()).packed(0, 0).columns,
  usage_daily: /\(([^)]*)\)/.exec(ROLL_UP_DAYS)?.[1]?.split(', ') ?? [],
};

test.each(Object.entries(written))(
  'no column of %s is left to its default because the inserts forgot it',
  async (table, columns) => {
    const rows = await queryRows<{ name: string }>(
      stack.clickHouse,
      `SELECT name FROM system.columns
       WHERE database = currentDatabase() AND table = {table:String} AND default_kind = ''`,
      { table },
    );
    expect([...columns].sort()).toEqual(rows.map(({ name }) => name).sort());
  },
);
