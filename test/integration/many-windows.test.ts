import { readSchemaDirectory } from '../../services/shared/avro/schema-directory.ts';
import { usageEventEncoder } from '../../services/shared/avro/usage-event-codec.ts';
import { queryRows } from '../../services/shared/clickhouse/client.ts';
import type { Quantity } from '../../services/shared/model/decimal.ts';
import { aggregatesTopicName } from '../../services/shared/kafka/topic-names.ts';
import { partitionOfKey, resourceKey } from '../../services/shared/model/placement.ts';
import type { RegisteredSource } from '../../services/shared/sources/register.ts';
import { millis } from '../../services/shared/model/time.ts';
import { usageEventId } from '../../services/shared/model/usage-event.ts';
import { Pipeline, STORAGE_ONLY } from '../support/pipeline.ts';
import { waitFor } from '../support/wait-for.ts';
import type { Emission } from '../support/workload/emission.ts';
import { publishedHours } from '../support/workload/published-hours.ts';
import { readLog } from '../support/workload/read-log.ts';

const HOUR_MILLIS = 8_000;
const RESOURCES = 4_000;
const SUBSCRIPTION = '0f723db3-b972-4e48-9aaa-614b04457bf2';

let pipeline: Pipeline;

beforeAll(async () => {
  pipeline = await Pipeline.open(HOUR_MILLIS, STORAGE_ONLY);
});

afterAll(async () => {
  await pipeline.close();
});

const encode = usageEventEncoder(readSchemaDirectory());

/** An event of each resource, with names that nobody should choose. */
const usage = function* (source: RegisteredSource, quantity: number): Generator<Emission> {
  const now = Date.now();
  const start = millis(now - (now % HOUR_MILLIS));
  for (let n = 0; n < RESOURCES; n++) {
    const resourceUri =
      `/subscriptions/${SUBSCRIPTION}/resourceGroups/rg/providers/Microsoft.Storage/` +
      `things/${["it's", 'a\\b', 'é', '😀', 'ﬁ', '\u{10000}'][n % 6] ?? ''}-${String(n)}`;
    const period = { usageStartTime: start, usageEndTime: millis(start + 1_000) };
    const identity = { subscriptionId: SUBSCRIPTION, meterId: 'METER', resourceUri, ...period };
    const event = {
      ...identity,
      eventId: usageEventId(identity, String(quantity)),
      quantity: BigInt(quantity) as Quantity,
      location: 'local',
      tags: null,
      additionalInfo: 'x'.repeat(100),
    };
    const key = Buffer.from(resourceKey(resourceUri));
    yield {
      kind: 'fresh',
      topic: source.topic,
      epoch: source.epoch,
      partition: partitionOfKey(key, source.partitions),
      key,
      value: encode(event),
      headers: {},
      timestamp: start,
      intent: { kind: 'event', event },
    };
  }
};

test('more windows than the memory may hold are counted and published exactly, through a SIGKILL', async () => {
  const source = await pipeline.onlySource();
  const settings = { AGGREGATOR_WINDOWS_MIB: '1', AGGREGATOR_FLUSH_EVENTS: '700' };
  const killed = await pipeline.startAggregator(settings);
  await pipeline.produce(usage(source, 1));
  await pipeline.settled();
  await pipeline.produce(usage(source, 2));
  await killed.kill();
  await pipeline.startAggregator(settings);
  await pipeline.produce(usage(source, 3));
  await pipeline.settled();
  await pipeline.stopAll();
  expect(await pipeline.differences()).toEqual([]);

  // Of some hour there were more than fit.
  const [largest] = await queryRows<{ n: string }>(
    pipeline.stack.clickHouse,
    'SELECT toString(max(n)) AS n FROM (SELECT count() AS n FROM usage_hourly FINAL GROUP BY reported_hour)',
  );
  expect(Number(largest?.n)).toBeGreaterThan(1_500);

  await pipeline.startAggregator(settings);
  await waitFor('the hours of all usage are closed', async () => {
    const [row] = await queryRows<{ open: number }>(
      pipeline.stack.clickHouse,
      `SELECT (SELECT max(reported_hour) FROM usage_hourly) >= (SELECT min(open_hour) FROM checkpoints FINAL) AS open`,
    );
    return row?.open === 0;
  });
  await pipeline.stopAll();
  expect(await pipeline.differences()).toEqual([]);
  const topic = aggregatesTopicName(pipeline.stack.config.USAGE_TOPIC_PREFIX);
  const logs = await readLog(pipeline.stack.kafka, [topic]);
  expect(publishedHours(await pipeline.expected(), logs)).toEqual([]);
});
