import { randomBytes } from 'node:crypto';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import kafkajs, { type Kafka } from 'kafkajs';
import { pino } from 'pino';
import { startKafka, type LocalKafka } from '../../services/development/local/kafka/start-kafka.ts';
import { freePort } from '../../services/development/local/port.ts';
import {
  DeliveryFailed,
  openUsageProvider,
  ProviderClosed,
  UsageRefused,
  type ProviderOptions,
  type Usage,
  type UsageProvider,
} from '../../services/provider-sdk/index.ts';
import { readSchemaDirectory } from '../../services/shared/avro/schema-directory.ts';
import { usageEventDecoders } from '../../services/shared/avro/usage-event-codec.ts';
import { unframe } from '../../services/shared/avro/wire-format.ts';
import { openKafka } from '../../services/shared/kafka/client.ts';
import { partitionOfKey } from '../../services/shared/model/placement.ts';
import { uuidText } from '../../services/shared/model/usage-event.ts';
import { LossyProxy } from '../support/kafka/lossy-proxy.ts';
import { waitFor } from '../support/wait-for.ts';
import { readLog } from '../support/workload/read-log.ts';

/** A broker of this file's own, behind a proxy: it is taken away, and its answers are lost. */
const logger = pino({ level: process.env['TEST_LOG_LEVEL'] ?? 'silent' });
const PARTITIONS = 3;
const SUBSCRIPTION = '11111111-2222-4333-8444-555555555555';

let directory: string;
let broker: LocalKafka;
let proxy: LossyProxy;
let kafka: Kafka;
let brokers: readonly string[];

beforeAll(async () => {
  directory = await mkdtemp(join(tmpdir(), 'usage-provider-sdk-'));
  const port = await freePort();
  proxy = await LossyProxy.open(port);
  brokers = [`127.0.0.1:${String(proxy.port)}`];
  broker = await startBroker(port);
  kafka = openKafka({ brokers, clientId: 'test', maxBatchMib: 64, logger });
});

afterAll(async () => {
  await broker.stop();
  await proxy.close();
  await rm(directory, { recursive: true, force: true });
});

const startBroker = (port: number): Promise<LocalKafka> =>
  startKafka({
    dataDir: join(directory, 'kafka'),
    port,
    overrides: { 'advertised.listeners': `PLAINTEXT://${brokers[0] ?? ''}` },
  });

const restartBroker = async (): Promise<void> => {
  broker = await startBroker(broker.port);
};

const createTopic = async (): Promise<string> => {
  const topic = `usage.events.${randomBytes(4).toString('hex')}`;
  const admin = kafka.admin();
  await admin.connect();
  await admin.createTopics({ topics: [{ topic, numPartitions: PARTITIONS }] });
  await admin.disconnect();
  return topic;
};

const open = (topic: string, more: Partial<ProviderOptions> = {}): Promise<UsageProvider> =>
  openUsageProvider({ kafka: { KAFKA_BROKERS: brokers }, topic, logger, ...more });

/** Some 400 bytes, in one hour. */
const usageOf = (n: number): Usage => ({
  subscriptionId: SUBSCRIPTION,
  resourceUri: `/subscriptions/${SUBSCRIPTION}/resourceGroups/rg/providers/Microsoft.Compute/virtualMachines/VM-${String(n)}`,
  meterId: 'fab6eb84-500b-4a09-a8ca-7358f8bbaea5',
  from: '2026-11-27T10:00:00Z',
  to: '2026-11-27T11:00:00Z',
  quantity: 4,
  location: 'local',
  tags: { owner: 'x'.repeat(200) },
});

const usages = (from: number, count: number): readonly Usage[] =>
  Array.from({ length: count }, (_, n) => usageOf(from + n));

interface LoggedEvent {
  readonly id: string;
  readonly resource: string;
}

const decoders = usageEventDecoders(readSchemaDirectory());

/** Every record of the topic, each where its key belongs. */
const loggedEvents = async (topic: string): Promise<readonly LoggedEvent[]> => {
  const events: LoggedEvent[] = [];
  for (const { partition, records } of await readLog(kafka, [topic])) {
    for (const { key, value } of records) {
      expect(partitionOfKey(key ?? '', PARTITIONS)).toBe(partition);
      const framed = value && unframe(value);
      const event = framed && decoders.get(framed.schemaId)?.(framed.datum);
      if (!event?.ok) throw new Error('a record is no event');
      expect(String(key)).toBe(event.value.resourceUri.toLowerCase());
      events.push({ id: uuidText(event.value.eventId), resource: event.value.resourceUri });
    }
  }
  return events;
};

/** The numbers of the machines whose usage is in the log, each as often as it is there. */
const loggedNumbers = async (topic: string): Promise<readonly number[]> =>
  (await loggedEvents(topic))
    .map(({ resource }) => Number(resource.slice(resource.lastIndexOf('-') + 1)))
    .sort((a, b) => a - b);

const upTo = (count: number): readonly number[] => Array.from({ length: count }, (_, n) => n);

test('what emit resolved for is in the log, each event once, keyed and placed by its resource', async () => {
  const topic = await createTopic();
  const provider = await open(topic);
  await provider.emit(usages(0, 500));
  await Promise.all(usages(500, 200).map((usage) => provider.emit(usage)));
  expect(await loggedNumbers(topic)).toEqual(upTo(700));
  expect(provider.status()).toEqual({
    topic,
    partitions: PARTITIONS,
    sentEvents: 700,
    bufferedEvents: 0,
    bufferedBytes: 0,
    waitingCalls: 0,
    problem: null,
    spool: null,
  });
  await provider.close();
});

test('usage of several hours is an event for each, and the same usage has the same ids', async () => {
  const topic = await createTopic();
  const provider = await open(topic);
  const usage = { ...usageOf(1), to: '2026-11-27T13:00:00Z' };
  await provider.emit(usage);
  await provider.emit({ ...usage, quantity: 4n });
  await provider.close();
  const events = await loggedEvents(topic);
  expect(events).toHaveLength(6);
  expect(new Set(events.map(({ id }) => id)).size).toBe(3);
});

test('a lost acknowledgement leaves no second copy, and the batches behind it are there', async () => {
  const topic = await createTopic();
  const provider = await open(topic);
  await provider.emit(usages(0, 30));
  const before = proxy.cut;
  for (let n = 0; n < 5; n++) {
    proxy.loseAnswers(2);
    await Promise.all(usages(30 + 60 * n, 60).map((usage) => provider.emit(usage)));
  }
  expect(proxy.cut).toBeGreaterThan(before);
  expect(await loggedNumbers(topic)).toEqual(upTo(330));
  await provider.close();
});

test('the batch after one that was given up, although it had arrived, is not taken for it', async () => {
  const topic = await createTopic();
  const provider = await open(topic, { giveUpMillis: 1_500 });
  const usage = usageOf(0);
  proxy.loseAnswers(1_000);
  await expect(provider.emit(usage)).rejects.toThrow(DeliveryFailed);
  proxy.loseAnswers(0);
  // One record for one partition again: a broker that goes by the number would take it for the first.
  await provider.emit({ ...usage, quantity: 5, discriminator: 'another' });
  const ids = (await loggedEvents(topic)).map(({ id }) => id);
  expect(new Set(ids).size).toBe(2);
  await provider.close();
});

test('with the broker away emit waits, and goes on when it is back', async () => {
  const topic = await createTopic();
  const provider = await open(topic, { maxBufferedBytes: 100_000 });
  let resolved = 0;
  const emitAll = async (from: number): Promise<void> => {
    for (const usage of usages(from, 100)) {
      await provider.emit(usage);
      resolved++;
    }
  };
  const emitting = Promise.all([0, 100, 200].map(emitAll));
  const many = provider.emit(usages(300, 400));
  await waitFor('some usage is emitted', () => Promise.resolve(resolved > 20));
  await broker.kill();
  await waitFor('it says what is wrong', () => Promise.resolve(provider.status().problem));
  const { waitingCalls, bufferedBytes } = provider.status();
  expect(bufferedBytes).toBeLessThanOrEqual(400_000); // the large call alone may exceed the bound
  expect(waitingCalls).toBeLessThanOrEqual(4);
  await restartBroker();
  await Promise.all([emitting, many]);
  expect(await loggedNumbers(topic)).toEqual(upTo(700));
  await provider.close();
});

test('with the broker away for too long emit fails, and works again when it is back', async () => {
  const topic = await createTopic();
  const provider = await open(topic, { giveUpMillis: 1_000 });
  await provider.emit(usageOf(0));
  await broker.kill();
  await expect(provider.emit(usageOf(1))).rejects.toThrow(
    /did not acknowledge usage on usage\.events\.\w+ \(.*\)\. Emit it again: what has arrived counts once\.$/,
  );
  // The proxy takes connections, and nobody is behind it.
  await expect(open(topic)).rejects.toThrow(/closes the connection: it is starting or ending/);
  await restartBroker();
  await waitFor('emit works again', () =>
    provider.emit(usageOf(1)).then(
      () => true,
      (error: unknown) => {
        if (error instanceof DeliveryFailed) return false;
        throw error;
      },
    ),
  );
  expect([...new Set(await loggedNumbers(topic))]).toEqual([0, 1]);
  await provider.close();
});

const spoolOf = (name: string) => ({
  directory: join(directory, name),
  maxBytes: 16 * 1024 * 1024,
});

test('with a spool emit resolves with the broker away, and everything is sent when it is back', async () => {
  const topic = await createTopic();
  const provider = await open(topic, { spool: spoolOf('spool-away') });
  await provider.emit(usages(0, 10));
  await provider.flush();
  expect(await loggedNumbers(topic)).toEqual(upTo(10));
  await broker.kill();
  await provider.emit(usages(10, 500));
  expect(provider.status().spool?.waitingRecords).toBe(500);
  await restartBroker();
  await provider.flush();
  expect(provider.status()).toMatchObject({ sentEvents: 510, spool: { waitingRecords: 0 } });
  await provider.close();
  expect([...new Set(await loggedNumbers(topic))]).toEqual(upTo(510));
});

test('what a closed provider has left in its spool is sent by the next one', async () => {
  const topic = await createTopic();
  const spool = spoolOf('spool-left');
  await broker.kill();
  const first = await open(topic, { spool, closeMillis: 1 });
  await first.emit(usages(0, 100));
  await first.close();
  await restartBroker();
  const second = await open(topic, { spool });
  await second.emit(usages(100, 100));
  await second.flush();
  await second.close();
  expect([...new Set(await loggedNumbers(topic))]).toEqual(upTo(200));
});

/** Both ways to the broker. */
const WAYS = [
  ['straight from memory', undefined],
  ['over a spool', 'spool-of-way'],
] as const;

test.each(WAYS)(
  '%s, close sends what was emitted before it, and nothing can be emitted after it',
  async (_, name) => {
    const topic = await createTopic();
    const provider = await open(topic, { spool: name && spoolOf(name), closeMillis: 60_000 });
    const emitted = usages(0, 2_000).map((usage) => provider.emit(usage));
    await provider.close();
    await Promise.all(emitted);
    await expect(provider.emit(usageOf(0))).rejects.toThrow(ProviderClosed);
    expect(await loggedNumbers(topic)).toEqual(upTo(2_000));
  },
);

test.each(WAYS)('%s, flush resolves when everything before it is there', async (_, name) => {
  const topic = await createTopic();
  const provider = await open(topic, { spool: name && spoolOf(name) });
  const emitted = usages(0, 300).map((usage) => provider.emit(usage));
  await provider.flush();
  expect(provider.status()).toMatchObject({ sentEvents: 300, bufferedEvents: 0 });
  await Promise.all(emitted);
  await provider.close();
});

test('of a call with wrong usage nothing is sent, and all problems are in the error', async () => {
  const topic = await createTopic();
  const provider = await open(topic);
  const wrong = { ...usageOf(1), quantity: -1, location: '' };
  const refused: unknown = await provider
    .emit([usageOf(0), wrong])
    .catch((error: unknown) => error);
  expect(refused).toBeInstanceOf(UsageRefused);
  expect((refused as UsageRefused).problems).toEqual([
    { index: 1, field: 'location', problem: 'is missing: give a text' },
    { index: 1, field: 'quantity', problem: 'is below zero' },
  ]);
  expect(provider.status().sentEvents).toBe(0);
  await provider.emit(usageOf(2));
  await provider.close();
  expect(await loggedNumbers(topic)).toEqual([2]);
});

test('a topic that the broker does not know is refused with what to do', async () => {
  await expect(open('usage.events.nowhere', { spool: spoolOf('nowhere') })).rejects.toThrow(
    'has no topic usage.events.nowhere',
  );
  await expect(open('usage.events.nowhere')).rejects.toThrow(
    /has no topic usage\.events\.nowhere: correct its name, or create it by adding the provider to deploy\/kafka\/providers\.json/,
  );
});

test('kafkajs alone gives the number of a batch that failed to the next one, which is then lost', async () => {
  const topic = await createTopic();
  const producer = kafka.producer({
    idempotent: true,
    createPartitioner: kafkajs.Partitioners.DefaultPartitioner,
    retry: { retries: 1, initialRetryTime: 10, maxRetryTime: 10 },
  });
  await producer.connect();
  const value = 'x'.repeat(1_000);
  const send = (key: string) =>
    producer.send({ topic, acks: -1, messages: [{ partition: 0, key, value }] });
  proxy.loseAnswers(1_000);
  await expect(send('first')).rejects.toThrow();
  proxy.loseAnswers(0);
  await send('second'); // acknowledged
  await producer.disconnect();
  const keys = (await readLog(kafka, [topic])).flatMap(({ records }) =>
    records.map(({ key }) => String(key)),
  );
  expect(keys).toEqual(['first']);
});
