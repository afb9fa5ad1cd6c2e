import { usageEventEncoder } from '../../services/shared/avro/usage-event-codec.ts';
import { queryRows } from '../../services/shared/clickhouse/client.ts';
import { contentDigest } from '../../services/shared/usage-fold/content-digest.ts';
import { quantityToBytes } from '../../services/shared/model/decimal.ts';
import { partitionOfKey, resourceKey } from '../../services/shared/model/placement.ts';
import type { RegisteredSource } from '../../services/shared/sources/register.ts';
import { dayOf, hourOf, isoText, millis, type Hour } from '../../services/shared/model/time.ts';
import { uuidText, type UsageEvent } from '../../services/shared/model/usage-event.ts';
import { eventOf, METERS } from '../support/bridge/billable-events.ts';
import { Pipeline } from '../support/pipeline.ts';
import { usagectl } from '../support/service-process.ts';
import { waitFor } from '../support/wait-for.ts';

/** So that a day, which must be closed, takes 24 seconds. */
const SHORT_HOUR = 1_000;

let pipeline: Pipeline;
let source: RegisteredSource;
let usageHour: Hour;

beforeAll(async () => {
  pipeline = await Pipeline.open(SHORT_HOUR);
  const found = (await pipeline.sources()).find(({ topic }) => topic.endsWith('.compute'));
  if (!found) throw new Error('there is no source');
  source = found;
  usageHour = (hourOf(millis(Date.now()), SHORT_HOUR) - SHORT_HOUR) as Hour;
});

afterAll(async () => {
  await pipeline.close();
});

const event = (name: string, n: number): UsageEvent =>
  eventOf(name, METERS[0] ?? '', usageHour, n, SHORT_HOUR);

const keyOf = ({ resourceUri }: UsageEvent): string => resourceKey(resourceUri);
const partitionOf = (of: UsageEvent): number => partitionOfKey(keyOf(of), source.partitions);

const send = async (events: readonly UsageEvent[]): Promise<void> => {
  const encode = usageEventEncoder(pipeline.tools.schemas);
  for (const each of events) {
    const at = { topic: source.topic, partition: partitionOf(each) };
    await pipeline.tools.writer.append(at, [{ key: keyOf(each), value: encode(each) }]);
  }
  await pipeline.settled();
};

const command = (query: string): Promise<unknown> =>
  pipeline.stack.clickHouse.command({ query, clickhouse_settings: { mutations_sync: '2' } });

const ids = (events: readonly UsageEvent[]): readonly string[] =>
  events.map(({ eventId }) => uuidText(eventId));

/** How often each of these stands in the ledger. */
const standing = (events: readonly UsageEvent[]): Promise<readonly number[]> =>
  Promise.all(ids(events).map((id) => count(`usage_events FINAL WHERE event_id = '${id}'`)));

const count = async (query: string): Promise<number> => {
  const [row] = await queryRows<{ n: number }>(
    pipeline.stack.clickHouse,
    `SELECT toUInt32(count()) AS n FROM ${query}`,
  );
  return row?.n ?? 0;
};

/** A row of the ledger as if the event had been accepted at the partition's first offset. */
const forge = async (of: UsageEvent, digest: bigint, reportedHour: Hour): Promise<void> => {
  await pipeline.stack.clickHouse.insert({
    table: 'usage_events',
    format: 'JSONEachRow',
    values: [
      {
        topic: source.topic,
        epoch: source.epoch,
        partition: partitionOf(of),
        offset: 0,
        event_id: uuidText(of.eventId),
        content_digest: String(digest),
        reported_time: reportedHour,
        reported_hour: reportedHour / 1000,
        usage_hour: usageHour / 1000,
        usage_start: of.usageStartTime,
        usage_end: of.usageEndTime,
        subscription_id: of.subscriptionId,
        meter_id: of.meterId,
        resource_uri: of.resourceUri,
        quantity: '1',
        location: of.location,
        tags: null,
        additional_info: null,
      },
    ],
  });
};

const digestOf = (of: UsageEvent): bigint =>
  contentDigest({ ...of, quantity: quantityToBytes(of.quantity) });

const openHour = async (): Promise<number> => {
  const [row] = await queryRows<{ closed: number }>(
    pipeline.stack.clickHouse,
    `SELECT toUnixTimestamp(min(c.open_hour)) * 1000 AS closed FROM checkpoints AS c FINAL
     WHERE topic = {topic:String}`,
    { topic: source.topic },
  );
  return row?.closed ?? 0;
};

const auditKinds = async (): Promise<ReadonlySet<string>> => {
  const audited = await usagectl(
    ['audit', '--source', source.topic, '--limit', '1000', '--json'],
    pipeline.environment,
  );
  const { first } = JSON.parse(audited.stdout) as { first: readonly { kind: string }[] };
  return new Set(first.map(({ kind }) => kind));
};

test('what was judged against a wrong ledger is mended in closed hours, and counting goes on without a halt', async () => {
  const lost = [1, 2, 3].map((n) => event('lost', n));
  const same = event('known', 11);
  const other = event('known', 12);
  let aggregator = await pipeline.startAggregator();
  await send(lost);
  const reported = hourOf(millis(Date.now()), SHORT_HOUR);
  await waitFor('the hour is closed', async () => (await openHour()) > reported);
  await aggregator.stop();

  // Ids that were accepted are missing, and ids that never came stand there.
  const all = ids(lost).map((id) => `'${id}'`);
  await command(`ALTER TABLE usage_events DELETE WHERE event_id IN (${all.join(', ')})`);
  const firstHour = hourOf(millis(source.firstHour), SHORT_HOUR);
  await forge(same, digestOf(same), firstHour);
  await forge(other, 1n, firstHour);

  aggregator = await pipeline.startAggregator();
  await send([...lost, same, other, event('lost', 4)]);
  expect(await standing(lost)).toEqual([1, 1, 1]); // their second records
  expect(await count(`dead_letters WHERE code = 'conflict'`)).toBe(1);
  const end = dayOf(hourOf(millis(Date.now()), SHORT_HOUR), SHORT_HOUR) + 24 * SHORT_HOUR;
  await waitFor('the day is closed', async () => (await openHour()) >= end);

  const range = ['--from', isoText(firstHour), '--to', isoText(millis(end))];
  const apply = ['rebuild', source.topic, ...range, '--from-log', '--apply', '--reason', 'a test'];
  const refused = await usagectl(apply, pipeline.environment);
  expect(refused).toMatchObject({ code: 1 });
  expect(refused.stderr).toMatch(/1 aggregator runs, and would continue with the old ledger/);
  await aggregator.stop();

  const applied = await usagectl(apply, pipeline.environment);
  expect(applied).toMatchObject({ code: 0 });
  expect(await standing([...lost, same, other])).toEqual([1, 1, 1, 1, 1]);
  expect(await count('dead_letters')).toBe(0);
  expect((await usagectl(apply, pipeline.environment)).stdout).toMatch(/^The ledger, the dead/);
  // Three duplicates were counted as accepted, a duplicate and a conflict were neither: these counts stay.
  expect(await auditKinds()).toEqual(new Set(['checkpoint', 'conservation']));

  aggregator = await pipeline.startAggregator();
  const duplicates = async (): Promise<number> => {
    const [row] = await queryRows<{ n: number }>(
      pipeline.stack.clickHouse,
      'SELECT toUInt32(sum(duplicate)) AS n FROM checkpoints FINAL',
    );
    return row?.n ?? 0;
  };
  const before = await duplicates();
  const fresh = event('lost', 5);
  await send([...lost, same, other, fresh]);
  expect(await duplicates()).toBe(before + 5);
  expect(await standing([fresh])).toEqual([1]);
  expect(aggregator.output()).not.toContain('has halted');
  await aggregator.stop();
  expect(await auditKinds()).toEqual(new Set(['checkpoint', 'conservation']));
});
