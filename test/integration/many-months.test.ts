import { insertRows, queryRows } from '../../services/shared/clickhouse/client.ts';
import { writeSealedHistory } from '../support/sealed-history.ts';
import { usagectl } from '../support/service-process.ts';
import { openTestStack, type TestStack } from '../support/test-stack.ts';

/** More than the hundred parts of a table that ClickHouse lets one insert reach by itself. */
const MONTHS = 105;
const TOPIC = 'usage.history.long';

const secondsOf = (year: number, month: number, hour = 0): number =>
  Date.UTC(year, month, 15, hour) / 1000;

/** The start of an hour in the middle of each month. */
const hours = Array.from({ length: MONTHS }, (_, month) => secondsOf(2010, month, 9));

let stack: TestStack;

beforeAll(async () => {
  stack = await openTestStack();
});

afterAll(async () => {
  await stack.close();
});

const numberOf = async (query: string): Promise<number> => {
  const [row] = await queryRows<{ readonly n: string }>(
    stack.clickHouse,
    `SELECT toString(${query}) AS n`,
  );
  return Number(row?.n);
};

test('one insert takes rows of more than a hundred months, in every table that has parts by month', async () => {
  const { clickHouse } = stack;
  const tables = await queryRows<{ readonly name: string; readonly key: string }>(
    clickHouse,
    `SELECT name, partition_key AS key FROM system.tables
     WHERE database = currentDatabase() AND partition_key != '' ORDER BY name`,
  );
  expect(tables.map(({ name }) => name)).toEqual(
    expect.arrayContaining(['commerce_submissions', 'usage_daily', 'usage_events', 'usage_hourly']),
  );
  for (const { name, key } of tables) {
    const column = /\((.*)\)/.exec(key)?.[1] ?? '';
    await insertRows(
      clickHouse,
      name,
      // As a whole number a DateTime64 would be milliseconds.
      hours.map((hour) => ({
        topic: 'other',
        [column]: column === 'sent_at' ? `${String(hour)}.000` : hour,
      })),
    );
    const found = `toUnixTimestamp(${column}) IN (${hours.join()})`;
    expect([name, await numberOf(`(SELECT count() FROM ${name} WHERE ${found})`)]).toEqual([
      name,
      MONTHS,
    ]);
  }
});

test('a rebuild over more than a hundred months writes its hourly and its daily rows', async () => {
  const { clickHouse } = stack;
  await writeSealedHistory(
    clickHouse,
    TOPIC,
    hours.map((hour) => ({ hour })),
  );
  // In half of the months daily rows of which nobody knows; in one an hourly row too.
  const phantom = { topic: TOPIC, epoch: 1, resource_key: 'phantom', quantity: '7' };
  const even = hours.filter((_, month) => month % 2 === 0);
  await insertRows(
    clickHouse,
    'usage_daily',
    even.map((hour) => ({ ...phantom, reported_day: hour - (hour % (24 * 3600)) })),
  );
  await insertRows(clickHouse, 'usage_hourly', [{ ...phantom, reported_hour: hours[7] }]);
  const rebuild = (...more: readonly string[]) =>
    usagectl(
      ['rebuild', TOPIC, '--from', '2010-01-15T09:00:00Z', '--to', '2018-09-15T10:00:00Z', ...more],
      stack.environment,
    );
  expect(await rebuild('--apply', '--reason', 'a test')).toMatchObject({ code: 0, stderr: '' });
  for (const table of ['usage_hourly', 'usage_daily']) {
    expect(
      await queryRows(
        clickHouse,
        `SELECT toUInt32(count()) AS rows, toUInt32(sum(event_count)) AS events, toString(sum(quantity)) AS quantity
         FROM ${table} FINAL WHERE topic = '${TOPIC}'`,
      ),
    ).toEqual([{ rows: MONTHS, events: MONTHS, quantity: String(MONTHS * 1.5) }]);
  }
  expect((await rebuild()).stdout).toContain('Every window agrees with the ledger');
});
