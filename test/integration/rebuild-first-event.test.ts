import { queryRows } from '../../services/shared/clickhouse/client.ts';
import { writeSealedHistory } from '../support/sealed-history.ts';
import { usagectl } from '../support/service-process.ts';
import { openTestStack, type TestStack } from '../support/test-stack.ts';

const TOPIC = 'usage.history.nulls';
const NINE = Date.UTC(2025, 2, 15, 9) / 1000;
const TEN = NINE + 3600;

let stack: TestStack;

beforeAll(async () => {
  stack = await openTestStack();
});

afterAll(async () => {
  await stack.close();
});

test('a rebuilt window shows what its first event had, also where that is null and later ones have something', async () => {
  const { clickHouse, environment } = stack;
  const later = { tags: '{"a":1}', additionalInfo: 'more' };
  await writeSealedHistory(clickHouse, TOPIC, [
    { hour: NINE },
    { hour: NINE, ...later },
    { hour: TEN, ...later },
  ]);
  const range = ['--from', '2025-03-15T09:00:00Z', '--to', '2025-03-15T11:00:00Z'];
  const applied = await usagectl(
    ['rebuild', TOPIC, ...range, '--apply', '--reason', 'a test'],
    environment,
  );
  expect(applied).toMatchObject({ code: 0, stderr: '' });
  const rows = (table: string, reported: string) =>
    queryRows(
      clickHouse,
      `SELECT tags, additional_info AS info, toUInt32(event_count) AS events, toUInt32(first_offset) AS first
       FROM ${table} FINAL WHERE topic = {topic:String} ORDER BY ${reported}`,
      { topic: TOPIC },
    );
  expect(await rows('usage_hourly', 'reported_hour')).toEqual([
    { tags: null, info: null, events: 2, first: 0 },
    { tags: later.tags, info: later.additionalInfo, events: 1, first: 2 },
  ]);
  expect(await rows('usage_daily', 'reported_day')).toEqual([
    { tags: null, info: null, events: 3, first: 0 },
  ]);
  const again = await usagectl(['rebuild', TOPIC, ...range], environment);
  expect(again.stdout).toContain('Every window agrees with the ledger');
});
