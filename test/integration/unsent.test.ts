import { readUnsent } from '../../services/shared/billing/unsent.ts';
import { insertRows } from '../../services/shared/clickhouse/client.ts';
import { HOUR_MILLIS, type Hour } from '../../services/shared/model/time.ts';
import { openTestStack, type TestStack } from '../support/test-stack.ts';

let stack: TestStack;
beforeAll(async () => {
  stack = await openTestStack();
});
afterAll(() => stack.close());

const FIRST = Date.UTC(2026, 10, 27) as Hour;
const hour = (n: number): Hour => (FIRST + n * HOUR_MILLIS) as Hour;
const seconds = (n: number): number => hour(n) / 1000;

const SUBMISSION = '00000000-0000-4000-8000-00000000000';
const OF = { topic: 'usage.events.compute', epoch: 1, partition: 0 };

const insert = (table: string, ...rows: readonly object[]) =>
  insertRows(stack.clickHouse, table, rows as never);

const register = (topic: string, kind: string, billable = true) =>
  insert('sources', {
    topic,
    epoch: 1,
    kind,
    partitions: 1,
    first_hour: seconds(0),
    last_hour: null,
    hour_millis: HOUR_MILLIS,
    predecessor: null,
    state: 'open',
    billable,
    namespaces: ['*'],
    origin: kind,
    revision: 1,
  });

const openAt = (topic: string, n: number) =>
  insert('checkpoints', { ...OF, topic, next_offset: n, open_hour: seconds(n) });

const window = (topic: string, n: number) =>
  insert('usage_hourly', { ...OF, topic, reported_hour: seconds(n), usage_hour: seconds(n) });

const composed = (topic: string, n: number, toSend: number) =>
  insert('compositions', { ...OF, topic, reported_hour: seconds(n), to_send: toSend });

const outcome = (topic: string, n: number, id: number, kind: string, code = '') =>
  insert('commerce_outcomes', {
    ...OF,
    topic,
    reported_hour: seconds(n),
    submission_id: `${SUBMISSION}${String(id)}`,
    outcome: kind,
    code,
    rank: 1,
  });

const reporting = (from: number, word: string) =>
  insert('billing_terms', { effective_from: from, reporting: word, digest: word.padEnd(64) });

const unsent = () => readUnsent(stack.clickHouse);

test('what waits to be sent: pending submissions and hours that nobody composed, of live billable sources', async () => {
  const { topic } = OF;
  expect(await unsent()).toBeNull();
  await register(topic, 'live');
  await register('usage.history.1', 'history');
  await register('usage.events.free', 'live', false);
  await reporting(0, 'on');

  // Closed hours with windows, while no bridge has ever run. The open hour, and an hour without usage, do not wait.
  await openAt(topic, 3);
  for (const n of [0, 1, 3]) await window(topic, n);
  await window('usage.events.free', 0);
  await openAt('usage.events.free', 2);
  expect(await unsent()).toEqual({ hour: hour(0), pending: 0, notComposed: 2 });

  // Composed: what was to be sent waits for its outcome.
  await composed(topic, 0, 2);
  await composed('usage.history.1', 0, 7);
  expect(await unsent()).toEqual({ hour: hour(0), pending: 2, notComposed: 1 });
  await outcome(topic, 0, 1, 'accepted');
  expect(await unsent()).toEqual({ hour: hour(0), pending: 1, notComposed: 1 });
  // A held submission that was released was not to be sent: its outcome is none of those that are awaited.
  await outcome(topic, 0, 3, 'carried', 'released');
  expect(await unsent()).toEqual({ hour: hour(0), pending: 1, notComposed: 1 });
  await outcome(topic, 0, 2, 'carried');
  expect(await unsent()).toEqual({ hour: hour(1), pending: 0, notComposed: 1 });

  // A stamp that does not report has nothing to compose in time.
  await reporting(seconds(9), 'capacity');
  expect(await unsent()).toBeNull();
  await composed(topic, 1, 1);
  expect(await unsent()).toEqual({ hour: hour(1), pending: 1, notComposed: 0 });
});
