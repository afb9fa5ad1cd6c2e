import kafkajs, { type Producer } from 'kafkajs';
import { readSchemaDirectory } from '../../services/shared/avro/schema-directory.ts';
import { usageEventEncoder } from '../../services/shared/avro/usage-event-codec.ts';
import { queryRows } from '../../services/shared/clickhouse/client.ts';
import { parseQuantity, ZERO } from '../../services/shared/model/decimal.ts';
import { resourceKey } from '../../services/shared/model/placement.ts';
import type { RegisteredSource } from '../../services/shared/sources/register.ts';
import { hourOf, millis } from '../../services/shared/model/time.ts';
import { usageEventId } from '../../services/shared/model/usage-event.ts';
import { Pipeline } from '../support/pipeline.ts';
import { waitFor } from '../support/wait-for.ts';

/** What providers may do to a topic without meaning harm, found by a review to stop the pipeline. */
const HOUR_MILLIS = 3_000;
const SUBSCRIPTION = '11111111-2222-4333-8444-555555555555';

let pipeline: Pipeline;
let storage: RegisteredSource;
const encode = usageEventEncoder(readSchemaDirectory());

beforeAll(async () => {
  pipeline = await Pipeline.open(HOUR_MILLIS);
  const found = (await pipeline.sources()).find(({ topic }) => topic.endsWith('.storage'));
  if (!found) throw new Error('there is no storage source');
  storage = found;
  await pipeline.startAggregator();
});

afterAll(async () => {
  await pipeline.close();
});

const message = (name: string, tags: string | null = null) => {
  const start = hourOf(millis(Date.now()), HOUR_MILLIS);
  const event = {
    subscriptionId: SUBSCRIPTION,
    meterId: '09F8879E-87E9-4305-A572-4B7BE209F857',
    resourceUri: `/subscriptions/${SUBSCRIPTION}/resourceGroups/rg/providers/Microsoft.Storage/storageAccounts/${name}`,
    usageStartTime: start,
    usageEndTime: millis(start + 1),
    quantity: parseQuantity('1') ?? ZERO,
    location: 'local',
    tags,
    additionalInfo: null,
  };
  return {
    partition: 0,
    key: resourceKey(event.resourceUri),
    value: encode({ ...event, eventId: usageEventId(event) }),
  };
};

const producerOf = async (transactionalId?: string): Promise<Producer> => {
  const producer = pipeline.stack.kafka.producer({
    createPartitioner: kafkajs.Partitioners.DefaultPartitioner,
    ...(transactionalId && { transactionalId, maxInFlightRequests: 1, idempotent: true }),
  });
  await producer.connect();
  return producer;
};

interface Progress {
  readonly accepted: number;
  readonly deadLettered: number;
  readonly openHour: number;
}

const progress = async (): Promise<Progress> => {
  const [row] = await queryRows<Record<string, string>>(
    pipeline.stack.clickHouse,
    `SELECT toString(accepted) AS accepted, toString(dead_lettered) AS dead_lettered,
       toString(toUnixTimestamp(open_hour)) AS open_hour
     FROM checkpoints FINAL WHERE topic = {topic:String}`,
    { topic: storage.topic },
  );
  return {
    accepted: Number(row?.['accepted'] ?? 0),
    deadLettered: Number(row?.['dead_lettered'] ?? 0),
    openHour: Number(row?.['open_hour'] ?? 0) * 1000,
  };
};

test('an idle partition whose log ends with the marker of a transaction closes its hours', async () => {
  const producer = await producerOf(`${storage.topic}-committed`);
  const transaction = await producer.transaction();
  await transaction.send({ topic: storage.topic, messages: [message('committed')] });
  await transaction.commit();
  await producer.disconnect();
  const now = Date.now();
  await waitFor('the event is accepted', async () => (await progress()).accepted >= 1);
  await waitFor(
    'later hours are closed',
    async () => (await progress()).openHour > now + HOUR_MILLIS,
  );
});

test('an aborted transaction larger than several fetches is read past', async () => {
  const before = await progress();
  const producer = await producerOf(`${storage.topic}-aborted`);
  const transaction = await producer.transaction();
  const tags = 'x'.repeat(250_000);
  for (let n = 0; n < 40; n++) {
    const messages = [message(`aborted-${String(n)}`, tags)];
    await transaction.send({ topic: storage.topic, messages });
  }
  await transaction.abort();
  await producer.send({ topic: storage.topic, messages: [message('after-abort')] });
  await producer.disconnect();
  await waitFor(
    'the event behind it is accepted',
    async () => (await progress()).accepted === before.accepted + 1,
  );
});

test('compressed records are counted; what is too large when decompressed is refused at the door', async () => {
  const before = await progress();
  const producer = await producerOf();
  const compression = kafkajs.CompressionTypes.GZIP;
  await producer.send({ topic: storage.topic, compression, messages: [message('gzip')] });
  const bomb = message('bomb', 'x'.repeat(3_000_000));
  await expect(
    producer.send({ topic: storage.topic, compression, messages: [bomb] }),
  ).rejects.toThrow(/larger than the max message size/);
  await producer.disconnect();
  await waitFor(
    'the first is accepted',
    async () => (await progress()).accepted === before.accepted + 1,
  );
});

test('a refused record with headers that grow as JSON is a dead letter like any other', async () => {
  const before = await progress();
  const producer = await producerOf();
  const headers = { odd: Buffer.alloc(500_000, 1) };
  await producer.send({
    topic: storage.topic,
    messages: [{ partition: 0, key: 'k', value: 'no event', headers }],
  });
  await producer.disconnect();
  await waitFor(
    'it is refused',
    async () => (await progress()).deadLettered === before.deadLettered + 1,
  );
});
