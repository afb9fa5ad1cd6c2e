import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { crc32 } from 'node:zlib';
import { startClickHouse } from '../../services/development/local/clickhouse/start-clickhouse.ts';
import { startKafka } from '../../services/development/local/kafka/start-kafka.ts';
import { queryRows } from '../../services/shared/clickhouse/client.ts';
import { partitionOfKey, resourceKey } from '../../services/shared/model/placement.ts';
import { REDRIVE_HEADERS } from '../../services/shared/model/redrive.ts';
import { HOUR_MILLIS } from '../../services/shared/model/time.ts';
import { inRepository } from '../../services/shared/process/repository.ts';
import { Pipeline } from '../support/pipeline.ts';
import { readLog } from '../support/workload/read-log.ts';
import {
  goProducer,
  python,
  pythonProducer,
  pythonWithDefaults,
  type Producer,
} from './programs.ts';
import { Report } from './report.ts';
import { eventsOf, expectedRecords, linesOf, recordsIn, usageOf } from './sent-usage.ts';
import { VECTORS_FILE } from './vectors.ts';

/**
 * The samples in other languages against the real broker and the real aggregator. Needs Python 3 with `venv` and Go; the clients come from
 * PyPI and the Go module proxy.
 */
const PARTITIONS = 3;
const MACHINES = 60;

const report = new Report();
const directory = await mkdtemp(join(tmpdir(), 'usage-producers-'));

interface Counts {
  readonly accepted: number;
  readonly duplicate: number;
  readonly dead: number;
  readonly ledger: number;
}

const countsOf = async ({ stack }: Pipeline, topic: string): Promise<Counts | undefined> => {
  const [counts] = await queryRows<Counts>(
    stack.clickHouse,
    `SELECT toUInt32(sum(accepted)) AS accepted, toUInt32(sum(duplicate)) AS duplicate,
       toUInt32(sum(dead_lettered)) AS dead,
       (SELECT toUInt32(count()) FROM usage_events FINAL WHERE topic = {topic:String}) AS ledger
     FROM checkpoints FINAL WHERE topic = {topic:String}`,
    { topic },
  );
  return counts;
};

const checkVectors = ({ name, run }: Producer): void => {
  const { code, stdout, stderr } = run(['--check', inRepository(VECTORS_FILE)]);
  report.check(`${name}: makes what the test vectors say`, code === 0, stdout + stderr);
};

/** Each is told twice of what is wrong, and sends nothing. */
const checkRefusal = ({ name, run }: Producer, args: readonly string[]): void => {
  const [first] = usageOf('wrong', 1);
  const lines = `${linesOf(first ? [first] : [])}\n${JSON.stringify({ ...first, quantity: '-1', location: 5 })}\n{\n`;
  const { code, stderr } = run(args, lines);
  const named = ['line 3: quantity', 'line 3: location', 'line 4: ', 'Nothing was sent.'];
  report.check(
    `${name}: names every problem with its line, and sends nothing`,
    code === 1 && named.every((text) => stderr.includes(text)),
    stderr,
  );
};

/** Both send all of it, one after the other: what one has sent is a duplicate of what the other has. */
const sendTwice = async (
  pipeline: Pipeline,
  topic: string,
  producers: readonly Producer[],
  args: readonly string[],
): Promise<number> => {
  const usage = usageOf('both', MACHINES);
  const events = eventsOf(usage);
  for (const producer of producers) {
    const { code, stdout, stderr } = producer.run(args, linesOf(usage));
    const acknowledged = stdout.trim().split('\n').length;
    report.check(
      `${producer.name}: all ${String(events.length)} events are acknowledged`,
      code === 0 && acknowledged === events.length,
      stderr,
    );
  }
  await pipeline.settled();
  report.equal(
    'every record is byte for byte that of the SDK, under its key and on its partition',
    recordsIn(await readLog(pipeline.stack.kafka, [topic])),
    expectedRecords(events, PARTITIONS, producers.length),
  );
  const accepted = events.length;
  report.equal('each event is accepted once', await countsOf(pipeline, topic), {
    accepted,
    duplicate: accepted * (producers.length - 1),
    dead: 0,
    ledger: accepted,
  });
  return accepted;
};

const text = async (pipeline: Pipeline, ...args: readonly string[]): Promise<string> => {
  const { stdout, stderr } = await pipeline.usagectl(...args);
  return stdout + stderr;
};

/** Records of the real client with its default partitioner: refused, recognised, and put right by one redrive. */
const checkDefaultPartitioner = async (
  pipeline: Pipeline,
  topic: string,
  program: string,
  before: Counts,
): Promise<void> => {
  const usage = usageOf('misplaced', MACHINES);
  const events = eventsOf(usage);
  const path = join(directory, 'misplaced.jsonl');
  await writeFile(path, linesOf(usage));
  const brokers = pipeline.stack.config.KAFKA_BROKERS.join(',');
  const sent = pythonWithDefaults(program, [brokers, topic, path]);
  report.check(
    'confluent-kafka by its default: everything is acknowledged',
    sent.code === 0,
    sent.stderr,
  );
  await pipeline.settled();
  const misplaced = events.filter(({ resourceUri }) => {
    const key = resourceKey(resourceUri);
    return crc32(key) % PARTITIONS !== partitionOfKey(key, PARTITIONS);
  }).length;
  report.check(
    'most of its keys are on wrong partitions',
    misplaced > events.length / 2,
    misplaced,
  );
  report.equal(
    'what is misplaced is refused, the rest is counted',
    await countsOf(pipeline, topic),
    {
      ...before,
      accepted: before.accepted + events.length - misplaced,
      ledger: before.ledger + events.length - misplaced,
      dead: misplaced,
    },
  );
  for (const command of ['status', 'dlq list']) {
    const shown = await text(pipeline, ...command.split(' '));
    const expected = [
      `${topic}: ${String(misplaced)} dead letters are on wrong partitions`,
      'looks like a client with another partitioner',
      'partitioner=murmur2_random',
    ];
    report.check(
      `usagectl ${command} recognises the client and names the setting`,
      expected.every((each) => shown.includes(each)),
      shown,
    );
  }
  await checkRedrive(pipeline, topic, {
    ...before,
    accepted: before.accepted + events.length,
    ledger: before.ledger + events.length,
    dead: misplaced,
  });
};

const checkRedrive = async (pipeline: Pipeline, topic: string, expected: Counts): Promise<void> => {
  const redriven = await text(
    pipeline,
    'dlq',
    'redrive',
    '--code',
    'wrong-partition',
    '--topic',
    topic,
    '--yes',
  );
  await pipeline.settled();
  const counts = await countsOf(pipeline, topic);
  report.check('one redrive sends all of them', redriven.includes(String(expected.dead)), redriven);
  report.equal('each event counts once after it', counts, expected);
  const open = await text(pipeline, 'dlq', 'list');
  report.check(
    'no dead letter is open after it',
    open.includes('No open dead letters match.'),
    open,
  );
  report.equal(
    'the age of each is measured from its first report',
    await firstReports(pipeline, topic),
    { redriven: expected.dead, wrong: 0 },
  );
};

/** Compares what the redriven records say of their first report with the dead letters. */
const firstReports = async ({ stack }: Pipeline, topic: string) => {
  const letters = await queryRows<{ place: string; reported: string }>(
    stack.clickHouse,
    `SELECT concat(toString(partition), '/', toString(d.offset)) AS place,
       toString(toUnixTimestamp64Milli(d.reported_time)) AS reported
     FROM dead_letters AS d FINAL WHERE topic = {topic:String}`,
    { topic },
  );
  const reported = new Map(letters.map((row) => [row.place, Number(row.reported)]));
  const origins = (await readLog(stack.kafka, [topic]))
    .flatMap(({ records }) => records.map(({ headers }) => headers[REDRIVE_HEADERS.origin]))
    .filter((header) => header !== undefined)
    .map((header) => JSON.parse(header) as Record<string, unknown>);
  const wrong = origins.filter((origin) => {
    const place = `${String(origin['partition'])}/${String(origin['offset'])}`;
    return reported.get(place) !== Number(origin['reportedTime']);
  });
  return { redriven: origins.length, wrong: wrong.length };
};

const check = async (pipeline: Pipeline): Promise<void> => {
  const [{ topic } = { topic: '' }] = await pipeline.sources();
  const brokers = pipeline.stack.config.KAFKA_BROKERS.join(',');
  const program = await python();
  const inPython = pythonProducer(program);
  const inGo = goProducer(directory);
  const args = ['--brokers', brokers, '--topic', topic];
  for (const producer of [inPython, inGo]) {
    checkVectors(producer);
    checkRefusal(producer, args);
  }
  await pipeline.startAggregator();
  const accepted = await sendTwice(pipeline, topic, [inPython, inGo], args);
  await checkDefaultPartitioner(pipeline, topic, program, {
    accepted,
    duplicate: accepted,
    dead: 0,
    ledger: accepted,
  });
};

const kafka = await startKafka({
  dataDir: join(directory, 'kafka'),
  overrides: { 'group.min.session.timeout.ms': '1000' },
});
const clickHouse = await startClickHouse({ dataDir: join(directory, 'clickhouse') });
try {
  // For the clients of this process.
  Object.assign(process.env, { KAFKA_BROKERS: kafka.brokers.join(','), ...clickHouse.environment });
  const provider = { name: 'compute', namespaces: ['microsoft.compute'], partitions: PARTITIONS };
  const pipeline = await Pipeline.open(HOUR_MILLIS, [provider]);
  try {
    await check(pipeline);
  } finally {
    await pipeline.close();
  }
} finally {
  await Promise.all([kafka.stop(), clickHouse.stop()]);
  await rm(directory, { recursive: true, force: true });
}
if (report.failures > 0) process.exitCode = 1;
