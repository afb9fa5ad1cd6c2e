import { BY_ID, eventsById } from '../../services/operations/trace/events.ts';
import { insertRows, queryRows } from '../../services/shared/clickhouse/client.ts';
import { identityKeys } from '../../services/shared/model/placement.ts';
import { usageAggregateId } from '../../services/shared/model/usage-aggregate.ts';
import { uuidText } from '../../services/shared/model/usage-event.ts';
import { HOUR_MILLIS, type Hour } from '../../services/shared/model/time.ts';
import { usagectl } from '../support/service-process.ts';
import { openTestStack, type TestStack } from '../support/test-stack.ts';
import { closeThrough, declareSource, hour, insertWindows } from './usage-api-fixture.ts';

const TOPIC = 'usage.events.compute';
const AT = { topic: TOPIC, epoch: 1, partition: 0 };
const REPORTED = hour('2026-01-10T05');
const LATER = hour('2026-01-10T06');
const SUBSCRIPTION = '5d3b9a0e-1111-4222-8333-944455556666';
const METER = '9CD92D4C-bafd-4492-b278-bedc2de8232a';
const ID = '0f0f0f0f-0000-5000-8000-000000000001';
const REFUSED = '0f0f0f0f-0000-5000-8000-000000000002';
const [FIRST, SECOND] = [
  '00000000-0000-4000-8000-000000000001',
  '00000000-0000-4000-8000-000000000002',
];

const uri = (group: string, name: string): string =>
  `/subscriptions/${SUBSCRIPTION}/resourceGroups/${group}/providers/Microsoft.Compute/virtualMachines/${name}`;

let stack: TestStack;

const insertUsage = async (resourceUri: string, offset: number): Promise<void> => {
  const usage = { subscriptionId: SUBSCRIPTION, meterId: METER, resourceUri };
  await insertWindows(stack.clickHouse, [
    {
      ...AT,
      ...usage,
      reportedHour: REPORTED,
      usageHour: (REPORTED - HOUR_MILLIS) as Hour,
      location: 'local',
      tags: null,
      additionalInfo: null,
      quantity: '2.5',
      firstOffset: offset,
      lastOffset: offset,
    },
  ]);
};

const aggregateOf = (at: Hour): string =>
  uuidText(
    usageAggregateId(
      AT,
      at,
      identityKeys({
        subscriptionId: SUBSCRIPTION,
        meterId: METER,
        resourceUri: uri('rg', 'VM1'),
      }),
    ),
  );

const submission = (id: string, at: Hour, carries: readonly string[]) => ({
  ...AT,
  reported_hour: at / 1000,
  submission_id: id,
  resource_uri: uri('rg', 'VM1'),
  resource_key: uri('rg', 'VM1').toLowerCase(),
  dimension: METER,
  dimension_key: METER.toLowerCase(),
  quantity: '2.5',
  decision: 'send',
  plan_id: 'plan',
  // Of an hour: the second one has the carried quantity of the first one beside its own.
  aggregates: [aggregateOf(at)],
  carries,
});

const composition = (at: Hour) => ({
  ...AT,
  reported_hour: at / 1000,
  log_partition: 0,
  first_offset: 0,
  marker_offset: 1,
  digest: '',
  aggregates: 1,
  submitted: 1,
  submissions: 1,
  to_send: 1,
  carries: [],
  terms: 0,
});

const outcome = (id: string, at: Hour, changes: Readonly<Record<string, unknown>>) => ({
  ...AT,
  reported_hour: at / 1000,
  submission_id: id,
  accepted_quantity: null,
  usage_event_id: '',
  code: '',
  message: '',
  rank: 1,
  ...changes,
});

beforeAll(async () => {
  stack = await openTestStack();
  const { clickHouse } = stack;
  await declareSource(clickHouse, {
    ...AT,
    kind: 'live',
    firstHour: hour('2026-01-10T00'),
    lastHour: null,
    state: 'open',
    billable: true,
  });
  await closeThrough(clickHouse, AT, hour('2026-01-10T07'));
  await insertUsage(uri('rg', 'VM1'), 10);
  await insertUsage(uri('other', 'vm1'), 11);
  await insertUsage(uri('rg', 'vm12'), 12);
  await insertRows(clickHouse, 'usage_events', [
    {
      ...AT,
      offset: 10,
      event_id: ID,
      content_digest: 1,
      reported_time: '2026-01-10 05:10:00.000',
      reported_hour: REPORTED / 1000,
      usage_hour: (REPORTED - HOUR_MILLIS) / 1000,
      usage_start: '2026-01-10 04:00:00.000',
      usage_end: '2026-01-10 05:00:00.000',
      subscription_id: SUBSCRIPTION,
      meter_id: METER,
      resource_uri: uri('rg', 'VM1'),
      quantity: '2.5',
      location: 'local',
    },
  ]);
  await insertRows(clickHouse, 'commerce_submissions', [
    submission(FIRST, REPORTED, []),
    submission(SECOND, LATER, [FIRST]),
  ]);
  await insertRows(clickHouse, 'compositions', [composition(REPORTED), composition(LATER)]);
  await insertRows(clickHouse, 'commerce_outcomes', [
    outcome(FIRST, REPORTED, { outcome: 'carried', code: 'Expired', message: 'too old' }),
    outcome(SECOND, LATER, {
      outcome: 'accepted',
      accepted_quantity: '2.5',
      usage_event_id: 'usage-event-1',
    }),
  ]);
  const value = Buffer.concat([
    Buffer.from([0, 0, 0, 0, 1]),
    Buffer.from(REFUSED.replaceAll('-', ''), 'hex'),
    Buffer.from(uri('rg', 'LonelyVm')),
  ]);
  await insertRows(
    clickHouse,
    'dead_letters',
    [
      {
        ...AT,
        offset: 20,
        code: 'too-old',
        message: 'the usage is from 2025',
        reported_time: '2026-01-10 05:20:00.000',
        record_timestamp: REPORTED,
        record_key_base64: null,
        record_value_base64: value.toString('base64'),
        record_headers: '{}',
      },
    ],
    { namesColumns: true },
  );
});

afterAll(() => stack.close());

const event = (...args: readonly string[]): ReturnType<typeof usagectl> =>
  usagectl(['event', ...args], stack.environment);

test.each([[[ID]], [[`${TOPIC}/0/10`]], [[`${TOPIC}/1/0/10`]]])(
  'an accepted event is followed through a carry to what Commerce answered: %j',
  async (args) => {
    const { code, stdout } = await event(...args);
    expect(code).toBe(0);
    for (const text of [
      `accepted      ${TOPIC}/1/0/10, reported 2026-01-10T05:10:00Z`,
      'Windows VM Size Hours, in Virtual core hours',
      'reported 2026-01-10T05:00:00Z, used 2026-01-10T04:00:00Z: 2.5 of 1 event, closed',
      `${FIRST}: 2.5 for the hour 2026-01-10T05:00:00Z`,
      'carried: Commerce no longer accepts its hour; it goes into a later one (Expired: too old)',
      `${SECOND}: 2.5 for the hour 2026-01-10T06:00:00Z`,
      'accepted: Commerce has it, as 2.5 in usage event usage-event-1',
    ]) {
      expect(stdout).toContain(text);
    }
  },
);

test.each([[[REFUSED]], [['--resource', 'lonelyvm']], [[`${TOPIC}/0/20`]]])(
  'a refused event is found with its reason and remedy: %j',
  async (args) => {
    const { code, stdout } = await event(...args);
    expect(code).toBe(0);
    expect(stdout).toContain(`Dead letter ${TOPIC}/1/0/20`);
    expect(stdout).toContain('too-old: the usage is from 2025');
    expect(stdout).toContain('it can no longer be counted');
  },
);

test('a name that several resources have lists them, and nothing is guessed', async () => {
  const { code, stdout } = await event('--resource', 'VM1');
  expect(code).toBe(1);
  expect(stdout).toContain(uri('rg', 'VM1'));
  expect(stdout).toContain(uri('other', 'vm1'));
});

test('a part of a name, in any case, finds the only resource that ends with it', async () => {
  const { code, stdout } = await event(
    '--resource',
    'RG/providers/microsoft.compute/virtualMachines/vm1',
  );
  expect(code).toBe(0);
  expect(stdout).toContain(`Resource "${uri('rg', 'VM1')}"`);
  expect(stdout).toContain(`${ID} at ${TOPIC}/1/0/10: 2.5`);
  const hidden = await event('--resource', 'vm12', '--hour', '2026-01-10T09:00:00Z');
  expect(hidden).toMatchObject({ code: 1 });
  expect(hidden.stderr).toContain('without --meter and --hour you see what it has');
});

test('usage that was not billed says why', async () => {
  const { stdout } = await event('--resource', 'vm12', '--meter', 'windows vm size hours');
  expect(stdout).toContain('submission    none: its hour was composed without it');
});

test('what is nowhere is said to be nowhere, with where to look next', async () => {
  for (const args of [['ffffffff-0000-5000-8000-000000000000'], ['--resource', 'no-such-name']]) {
    const { code, stderr } = await event(...args);
    expect(code).toBe(1);
    expect(stderr).toContain('Was it sent? "usagectl status"');
  }
});

test('a bare name of a resource is told how it is asked for', async () => {
  const { code, stderr } = await event('VM1');
  expect(code).toBe(1);
  expect(stderr).toContain('By the name of a resource: usagectl event --resource NAME');
});

test('ledger-scanned-for-an-id: the id of an event alone leads to a few granules', async () => {
  const { clickHouse } = stack;
  const rows = 100_000;
  await clickHouse.command({
    query: `INSERT INTO usage_events (topic, epoch, partition, offset, event_id, content_digest, reported_time, reported_hour, usage_hour,
        usage_start, usage_end, subscription_id, meter_id, resource_uri, quantity, location, tags, additional_info)
      SELECT 'usage.events.other', 1, 0, number, generateUUIDv4(number), number, '2026-01-10 05:10:00.000', '2026-01-10 05:00:00',
        toDateTime('2026-01-09 00:00:00', 'UTC') + 3600 * (number % 24), '2026-01-10 04:00:00.000', '2026-01-10 05:00:00.000', 's', 'm', 'r', 1, '', NULL, NULL
      FROM numbers(${String(rows)})`,
  });
  const [event] = await queryRows<{ id: string }>(
    clickHouse,
    'SELECT toString(event_id) AS id FROM usage_events AS e WHERE e.offset = 77777',
  );
  const id = event?.id ?? '';
  expect(await eventsById(clickHouse, id)).toMatchObject([{ eventId: id, offset: 77_777 }]);
  const plan = await queryRows<{ explain: string }>(
    clickHouse,
    'EXPLAIN indexes = 1 SELECT 1 FROM usage_events AS e FINAL WHERE e.event_id = {id:UUID}',
    { id },
    BY_ID,
  );
  const lines = plan.map(({ explain }) => explain.trim());
  const at = lines.indexOf('Name: by_event_id');
  const [, read, all] =
    /^Granules: (\d+)\/(\d+)$/.exec(
      lines.slice(at).find((line) => line.startsWith('Granules')) ?? '',
    ) ?? [];
  expect(Number(all)).toBeGreaterThan(rows / 10_000);
  expect(Number(read)).toBeLessThan(Number(all) / 2);
});
