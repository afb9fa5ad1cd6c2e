import kafkajs from 'kafkajs';
import { queryRows } from '../../services/shared/clickhouse/client.ts';
import { parseQuantity, ZERO } from '../../services/shared/model/decimal.ts';
import { hourState, readCoverage } from '../../services/shared/sources/coverage.ts';
import {
  abandonHistory,
  beginHistory,
  writeHistory,
  type HistoricalEvent,
} from '../../services/operations/history-runs/history-run.ts';
import { provision } from '../../services/operations/sources/provision.ts';
import {
  hourOf,
  HOUR_MILLIS,
  isoText,
  millis,
  type Hour,
} from '../../services/shared/model/time.ts';
import { usageEventId } from '../../services/shared/model/usage-event.ts';
import { Pipeline, TEST_PROVIDERS } from '../support/pipeline.ts';
import { waitFor } from '../support/wait-for.ts';
import { timeOf } from '../../services/shared/model/time-text.ts';

let pipeline: Pipeline;

beforeAll(async () => {
  pipeline = await Pipeline.open(HOUR_MILLIS);
  await pipeline.startAggregator();
});

afterAll(async () => {
  await pipeline.close();
});

const hour = (text: string): Hour => timeOf(text);

const run = (origin: string, firstHour: Hour, lastHour: Hour) => ({
  origin,
  firstHour,
  lastHour,
  hourMillis: HOUR_MILLIS,
  partitions: 2,
  billable: false,
});

const SUBSCRIPTION = '11111111-2222-4333-8444-555555555555';

const eventAt = (start: Hour, resource: string): HistoricalEvent => {
  const event = {
    subscriptionId: SUBSCRIPTION,
    meterId: 'FAB6EB84-500B-4A09-A8CA-7358F8BBAEA5',
    resourceUri: `/subscriptions/${SUBSCRIPTION}/resourceGroups/rg/providers/Microsoft.Compute/virtualMachines/${resource}`,
    usageStartTime: millis(start),
    usageEndTime: millis(start + HOUR_MILLIS),
    quantity: parseQuantity('1.5') ?? ZERO,
    location: 'local',
    tags: null,
    additionalInfo: null,
  };
  return {
    event: { ...event, eventId: usageEventId(event) },
    reportedTime: millis(start + HOUR_MILLIS - 1),
  };
};

const begin = (origin: string, firstHour: string, lastHour: string) =>
  beginHistory(
    pipeline.tools,
    run(origin, hour(firstHour), hour(lastHour)),
    pipeline.stack.config.USAGE_TOPIC_PREFIX,
  );

const stateOf = async (text: string): Promise<string> =>
  hourState(await readCoverage(pipeline.stack.clickHouse), hour(text), HOUR_MILLIS);

test('history that overlaps another run or reaches into live hours is refused', async () => {
  const first = await begin('overlap-a', '2024-05-01T00:00:00Z', '2024-05-01T05:00:00Z');
  expect(first.kind).toBe('begun');
  await expect(begin('overlap-b', '2024-05-01T05:00:00Z', '2024-05-01T06:00:00Z')).rejects.toThrow(
    /covers reported hours 2024-05-01T00:00:00Z to 2024-05-01T06:00:00Z already/,
  );
  const now = isoText(hourOf(millis(Date.now()), HOUR_MILLIS));
  await expect(begin('live', '2025-05-01T00:00:00Z', now)).rejects.toThrow(
    /Hours that are not over cannot be imported/,
  );
});

test('an import of uncovered hours makes them complete, empty hours too', async () => {
  expect(await stateOf('2024-06-01T00:00:00Z')).toBe('not-covered');
  const begun = await begin('plain', '2024-06-01T00:00:00Z', '2024-06-01T02:00:00Z');
  expect(await stateOf('2024-06-01T00:00:00Z')).toBe('processing');
  const events = [
    eventAt(hour('2024-06-01T00:00:00Z'), 'vm1'),
    eventAt(hour('2024-06-01T02:00:00Z'), 'vm2'),
  ];
  await writeHistory(pipeline.tools, begun.source, events);
  for (const text of ['2024-06-01T00:00:00Z', '2024-06-01T01:00:00Z', '2024-06-01T02:00:00Z']) {
    await waitFor(`${text} is complete`, async () => (await stateOf(text)) === 'complete');
  }
  expect(await stateOf('2024-06-01T03:00:00Z')).toBe('not-covered');
});

test('an interrupted run goes on where it was; what was written twice counts once', async () => {
  const start = hour('2024-07-01T00:00:00Z');
  const events = Array.from({ length: 5_000 }, (_, n) => eventAt(start, `vm${String(n)}`));
  const beginResumed = () => begin('resumed', '2024-07-01T00:00:00Z', '2024-07-01T00:00:00Z');
  const failing = function* (): Generator<HistoricalEvent> {
    yield* events.slice(0, 3_000);
    throw new Error('the power fails');
  };
  const first = await beginResumed();
  await expect(writeHistory(pipeline.tools, first.source, failing())).rejects.toThrow('power');
  const second = await beginResumed();
  expect(second).toMatchObject({ kind: 'begun', resumed: true });
  await writeHistory(pipeline.tools, second.source, events);
  await waitFor(
    'the hour is complete',
    async () => (await stateOf('2024-07-01T00:00:00Z')) === 'complete',
  );
  const [row] = await queryRows<Record<string, string>>(
    pipeline.stack.clickHouse,
    `SELECT toString(sum(accepted)) AS accepted, toString(sum(duplicate)) AS duplicate
     FROM checkpoints FINAL WHERE topic = {topic:String}`,
    { topic: second.source.topic },
  );
  expect(row).toEqual({ accepted: '5000', duplicate: '2000' });
  expect((await beginResumed()).kind).toBe('already-imported');
});

test('an abandoned run covers nothing, and its hours may be imported again', async () => {
  const begun = await begin('given-up', '2024-08-01T00:00:00Z', '2024-08-01T00:00:00Z');
  expect(await stateOf('2024-08-01T00:00:00Z')).toBe('processing');
  await abandonHistory(pipeline.tools, begun.source.topic);
  expect(await stateOf('2024-08-01T00:00:00Z')).toBe('not-covered');
  const again = await begin('given-up', '2024-08-01T00:00:00Z', '2024-08-01T00:00:00Z');
  expect(again).toMatchObject({ kind: 'begun', resumed: false });
  expect(again.source.topic).not.toBe(begun.source.topic);
  await writeHistory(pipeline.tools, again.source, [eventAt(hour('2024-08-01T00:00:00Z'), 'vm')]);
  await waitFor(
    'the hour is complete',
    async () => (await stateOf('2024-08-01T00:00:00Z')) === 'complete',
  );
  await expect(abandonHistory(pipeline.tools, again.source.topic)).rejects.toThrow(
    /can no longer be abandoned/,
  );
});

test('a provider that is added while others run begins with an hour that nobody has read as complete', async () => {
  const config = { ...pipeline.stack.config, USAGE_HOUR_MILLIS: HOUR_MILLIS };
  const before = (await readCoverage(pipeline.stack.clickHouse)).completeBefore;
  const { opened } = await provision(pipeline.tools, config, [
    ...TEST_PROVIDERS,
    { name: 'network', namespaces: ['microsoft.network'], partitions: 1 },
  ]);
  expect(opened.map(({ topic }) => topic)).toEqual([`${config.USAGE_TOPIC_PREFIX}.events.network`]);
  expect(opened[0]?.firstHour).toBeGreaterThan(hourOf(millis(Date.now()), HOUR_MILLIS));
  expect((await readCoverage(pipeline.stack.clickHouse)).completeBefore).toBe(before);
  await waitFor('the new topic is read', async () =>
    (await pipeline.nextOffsets()).has(`${opened[0]?.topic ?? ''}/1[0]`),
  );
});

test('two providers cannot serve one namespace', async () => {
  const config = { ...pipeline.stack.config, USAGE_HOUR_MILLIS: HOUR_MILLIS };
  await expect(
    provision(pipeline.tools, config, [
      ...TEST_PROVIDERS,
      { name: 'other', namespaces: ['microsoft.storage'], partitions: 1 },
    ]),
  ).rejects.toThrow(/Provider "other" cannot serve microsoft.storage/);
});

test('a topic that differs from what it must be is reported, not used', async () => {
  const { admin } = pipeline;
  const topic = `${pipeline.stack.config.USAGE_TOPIC_PREFIX}.events.storage`;
  const setRetention = (value: string) =>
    admin.alterConfigs({
      validateOnly: false,
      resources: [
        {
          type: kafkajs.ConfigResourceTypes.TOPIC,
          name: topic,
          configEntries: [
            { name: 'message.timestamp.type', value: 'LogAppendTime' },
            { name: 'retention.ms', value },
          ],
        },
      ],
    });
  await setRetention('60000');
  const config = { ...pipeline.stack.config, USAGE_HOUR_MILLIS: HOUR_MILLIS };
  await expect(provision(pipeline.tools, config, TEST_PROVIDERS)).rejects.toThrow(
    /events\.storage has retention\.ms=60000 instead of 1209600000/,
  );
  await expect(pipeline.startAggregator()).rejects.toThrow(/has retention.ms=60000/);
});

test('operations are recorded', async () => {
  const rows = await queryRows<{ kind: string }>(
    pipeline.stack.clickHouse,
    'SELECT DISTINCT kind FROM operations ORDER BY kind',
  );
  expect(rows.map(({ kind }) => kind)).toEqual([
    'history-abandoned',
    'history-declared',
    'source-declared',
  ]);
});
