import { spawnSync } from 'node:child_process';
import { mkdir, mkdtemp, readdir, readFile, rm, symlink, writeFile } from 'node:fs/promises';
import { connect } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Kafka, logLevel } from 'kafkajs';
import { signalProcess } from '../../services/development/local/child-process.ts';
import { isAlive } from '../../services/shared/process/is-alive.ts';
import { startKafka, type LocalKafka } from '../../services/development/local/kafka/start-kafka.ts';
import { startServerParent } from '../support/server-parent.ts';

/** The local broker: how it starts, stops, dies, and is refused. */
let directory: string;
let dataDir: string;
let broker: LocalKafka;

beforeAll(async () => {
  directory = await mkdtemp(join(tmpdir(), 'local-kafka-'));
  dataDir = join(directory, 'dä ta');
  broker = await startKafka({ dataDir });
});
afterAll(async () => {
  await broker.stop();
  await rm(directory, { recursive: true });
});

const withClient = async <Result>(use: (kafka: Kafka) => Promise<Result>): Promise<Result> =>
  use(new Kafka({ brokers: broker.brokers, logLevel: logLevel.NOTHING }));

const send = (topic: string, value: string): Promise<void> =>
  withClient(async (kafka) => {
    const producer = kafka.producer({ retry: { retries: 3 } });
    await producer.connect();
    await producer.send({ topic, acks: -1, messages: [{ value }] });
    await producer.disconnect();
  });

const createTopic = (topic: string): Promise<void> =>
  withClient(async (kafka) => {
    const admin = kafka.admin();
    await admin.connect();
    await admin.createTopics({ waitForLeaders: true, topics: [{ topic, numPartitions: 1 }] });
    await admin.disconnect();
  });

/** The first values of a topic. */
const receive = (topic: string, count: number): Promise<readonly string[]> =>
  withClient(async (kafka) => {
    const consumer = kafka.consumer({ groupId: `${topic}-${String(broker.pid)}` });
    await consumer.connect();
    await consumer.subscribe({ topic, fromBeginning: true });
    const values: string[] = [];
    await new Promise<void>((resolve, reject) => {
      const eachMessage = async (item: { message: { value: Buffer | null } }): Promise<void> => {
        values.push(item.message.value?.toString() ?? '');
        if (values.length === count) resolve();
        await Promise.resolve();
      };
      consumer.run({ eachMessage }).catch(reject);
    });
    await consumer.disconnect();
    return values;
  });

test('it takes records and gives them back', async () => {
  await createTopic('records');
  await send('records', 'one');
  await send('records', 'two');
  expect(await receive('records', 2)).toEqual(['one', 'two']);
});

test('it makes no topic that nobody created', async () => {
  await expect(send('nowhere', 'x')).rejects.toThrow(/does not host this topic-partition/);
});

test('it listens on 127.0.0.1 alone', async () => {
  const socket = connect({ host: '127.0.0.2', port: broker.port });
  const outcome = await new Promise((resolve) => {
    socket.once('connect', () => resolve('connected'));
    socket.once('error', () => resolve('refused'));
  });
  socket.destroy();
  expect(outcome).toBe('refused');
});

test('a second one on the same directory is refused, with the process to stop', async () => {
  await expect(startKafka({ dataDir })).rejects.toThrow(
    `Kafka already runs in ${dataDir}, as process ${String(broker.pid)}: stop it, or choose another directory.`,
  );
});

test('a busy port is named, and nothing is written', async () => {
  await expect(
    startKafka({ dataDir: join(directory, 'other'), port: broker.port }),
  ).rejects.toThrow(
    `Kafka cannot listen on 127.0.0.1:${String(broker.port)}, the port is in use: stop what listens there, or set KAFKA_PORT to another port.`,
  );
  expect(await readdir(directory)).not.toContain('other');
});

test('a directory that cannot be one is explained', async () => {
  const file = join(directory, 'file');
  await writeFile(file, '');
  await expect(startKafka({ dataDir: join(file, 'a') })).rejects.toThrow(
    /^Kafka cannot use the directory .*, a part of its path is a file: choose another directory\.$/,
  );
});

test('without Java one line names both ways out, the exit code is not 0, nothing is written', async () => {
  const other = join(directory, 'other');
  const { errors, exited } = startServerParent(
    { kafka: { dataDir: other } },
    { ...process.env, JAVA_HOME: join(directory, 'no-java') },
  );
  expect(await errors).toBe(
    `The local Kafka needs Java and "${directory}/no-java/bin/java" was not found: install Java 17 or newer (JAVA_HOME or PATH), or set KAFKA_BROKERS to use an existing broker.\n`,
  );
  expect(await exited).toEqual({ code: 1, signal: null });
  expect(await readdir(directory)).not.toContain('other');
});

test('without Maven, and without jars from before, one line names both ways out', async () => {
  const bin = join(directory, 'bin');
  await mkdir(bin);
  const java = spawnSync('sh', ['-c', 'command -v "${JAVA_HOME:+$JAVA_HOME/bin/}java"']);
  await symlink(java.stdout.toString().trim(), join(bin, 'java'));
  const cacheDir = join(directory, 'cache');
  const { errors, exited } = startServerParent(
    { kafka: { dataDir: join(directory, 'other'), cacheDir } },
    { ...process.env, JAVA_HOME: '', PATH: bin },
  );
  expect(await errors).toBe(
    'The local Kafka is fetched with Maven and "mvn" was not found: install Maven, or set KAFKA_BROKERS to use an existing broker.\n',
  );
  expect(await exited).toEqual({ code: 1, signal: null });
  expect(await readdir(cacheDir)).toEqual([]);
  expect(await readdir(directory)).not.toContain('other');
});

test('it stops in good order, and goes on with its data', async () => {
  await createTopic('stop');
  await send('stop', 'before');
  const { pid } = broker;
  await broker.stop();
  expect(await broker.exited).toEqual({ code: null, signal: 'SIGTERM' });
  expect(isAlive(pid)).toBe(false);
  expect(await readdir(dataDir)).not.toContain('pid');
  expect(await readdir(join(dataDir, 'log'))).toContain('.kafka_cleanshutdown');

  broker = await startKafka({ dataDir });
  await send('stop', 'after');
  expect(await receive('stop', 2)).toEqual(['before', 'after']);
});

test('after SIGKILL one, and only one, goes on with all that was acknowledged', async () => {
  await createTopic('kill');
  await send('kill', 'before');
  await broker.kill();
  expect(await broker.exited).toEqual({ code: null, signal: 'SIGKILL' });

  // Two at once, of which one must give way: a second broker would spoil the first one's files.
  const [first, second] = await Promise.allSettled([
    startKafka({ dataDir }),
    startKafka({ dataDir }),
  ]);
  const started = first.status === 'fulfilled' ? first : second;
  const refused = first.status === 'rejected' ? first : second;
  if (started.status === 'rejected' || refused.status === 'fulfilled') throw new Error('not one');
  broker = started.value;
  expect(String(refused.reason)).toContain(`Kafka already runs in ${dataDir}`);
  await send('kill', 'after');
  expect(await receive('kill', 2)).toEqual(['before', 'after']);
});

test('if its guardian is killed, it ends too', async () => {
  const stat = await readFile(`/proc/${String(broker.pid)}/stat`, 'utf8');
  const guardian = Number(stat.slice(stat.lastIndexOf(')')).split(' ')[2]);
  signalProcess(guardian, 'SIGKILL');
  await broker.exited;
  expect(isAlive(broker.pid)).toBe(false);
});
