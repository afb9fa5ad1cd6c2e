import { flush } from '../../services/aggregator/flush.ts';
import type { Chunk } from '../../services/shared/usage-fold/chunk.ts';
import { PACKED } from '../../services/shared/usage-fold/packed/form.ts';
import type { Outbox } from '../../services/aggregator/ports.ts';
import { ClickHouseStore } from '../../services/shared/usage-store/clickhouse-store.ts';
import { openLogWriter } from '../../services/shared/kafka/log-writer.ts';
import { kafkaAdmin } from '../../services/shared/kafka/admin.ts';
import { historyTopic } from '../../services/shared/kafka/topics.ts';
import type { LogRecord } from '../../services/shared/model/log-record.ts';
import { controlAt, hour, knowledge, placeOf, rulesAt } from '../support/fold/fixtures.ts';
import { FoldRun } from '../support/fold/fold-run.ts';
import { StoredWorld } from '../support/fold/stored-world.ts';
import { openTestStack, type TestStack } from '../support/test-stack.ts';
import { compareWithClickHouse } from '../support/workload/compare-with-clickhouse.ts';
import { ExpectedTotals } from '../support/workload/expected-totals.ts';
import { generateWorkload } from '../support/workload/generate-workload.ts';
import { readLog } from '../support/workload/read-log.ts';
import { SentRecords } from '../support/workload/sent-records.ts';

/** A run of one partition over midnight, with everything that can be wrong, folded and stored. */
const place = placeOf({
  topic: 'usage.history.run',
  kind: 'history',
  firstHour: hour(21),
  lastHour: hour(26),
  namespaces: ['*'],
});
const emissions = [
  ...generateWorkload({
    seed: 11,
    events: 3_000,
    tenants: 3,
    resourcesPerTenant: 3,
    topics: [place.source],
    reportedFrom: hour(21),
    reportedTo: hour(27),
  }),
];

const noOutbox: Outbox = {
  publishDeadLetters: () => Promise.resolve(),
  publishClosedHours: () => Promise.resolve(),
  appendTick: () => Promise.resolve(hour(0)),
};

let stack: TestStack;
let expected: ExpectedTotals;

beforeAll(async () => {
  stack = await openTestStack();
  const sent = new SentRecords();
  for (const emission of emissions) sent.add(emission);
  const rules = rulesAt(place, 0, hour(21), { namespaces: ['*'] });
  const end = controlAt(place, 'end', 0, hour(26));

  const topic = { topic: place.topic, partitions: 1, replicationFactor: 1 };
  const admin = stack.kafka.admin();
  await admin.connect();
  await kafkaAdmin(admin).createTopics([historyTopic(topic)]);
  const writer = await openLogWriter(stack.kafka);
  await writer.append(place, [rules, ...emissions, end]);
  await writer.close();
  const [log] = await readLog(stack.kafka, [place.topic]);
  await admin.deleteTopics({ topics: [place.topic] });
  await admin.disconnect();

  const records: readonly LogRecord[] = log?.records ?? [];
  expected = new ExpectedTotals([place.source]);
  sent.tell(expected, place, records);

  const chunks: Chunk[] = [];
  const world = new StoredWorld(place);
  const run = new FoldRun(world, knowledge, Infinity, PACKED);
  const cut = (chunk: Chunk): void => {
    world.writesOf([chunk]).forEach((write) => write());
    chunks.push(chunk);
  };
  for (let at = 0; at < records.length; at += 500) {
    expect(run.fold(records.slice(at, at + 500), cut)).toBeNull();
    run.cut(cut);
  }
  const store = new ClickHouseStore(stack.clickHouse);
  for (const chunk of chunks) await flush(place, [chunk], store, noOutbox);
});

afterAll(async () => {
  await stack.close();
});

const differences = (limit?: number): Promise<readonly string[]> =>
  compareWithClickHouse(stack.clickHouse, expected, limit);

test('what the fold stores on the real engine is what the oracle expects', async () => {
  expect(await differences()).toEqual([]);
  const [partition] = expected.partitions;
  expect(partition?.nextOffset).toBe(emissions.length + 2);
  expect(partition?.sealed).toBe(true);
  expect(new Set(partition?.deadLetters.map(({ code }) => code)).size).toBeGreaterThan(12);
});

test.each([
  ['usage_hourly', 'quantity = quantity + toDecimal256(1, 30)', 'quantity is'],
  ['usage_hourly', "tags = 'other'", 'tags is "other"'],
  ['usage_daily', 'event_count = event_count + 1', 'event_count is'],
  ['dead_letters', "code = 'other'", 'code is "other"'],
  ['usage_events', 'reported_time = reported_time + toIntervalMillisecond(1)', 'reported_time is'],
  ['checkpoints', 'duplicate = duplicate + 1', 'records read are'],
])('a change in %s (%s) is noticed', async (table, change, text) => {
  const broken = `${table}_before`;
  const { clickHouse } = stack;
  await clickHouse.command({ query: `CREATE TABLE ${broken} AS ${table}` });
  await clickHouse.command({ query: `INSERT INTO ${broken} SELECT * FROM ${table} FINAL` });
  const [column] = change.split(' = ');
  try {
    await clickHouse.command({
      query: `INSERT INTO ${table} SELECT * REPLACE (${change.slice(change.indexOf('=') + 1)} AS ${String(column)})
        FROM ${broken} ORDER BY ${table === 'checkpoints' ? 'topic' : '1, 2, 3, 4, 5, 6'} LIMIT 1`,
    });
    expect((await differences()).join('\n')).toContain(text);
  } finally {
    await clickHouse.command({ query: `EXCHANGE TABLES ${table} AND ${broken}` });
    await clickHouse.command({ query: `DROP TABLE ${broken} SYNC` });
  }
  expect(await differences()).toEqual([]);
});

test('a row that is missing and a row too many are told apart', async () => {
  const { clickHouse } = stack;
  await clickHouse.command({
    query: `INSERT INTO dead_letters (topic, epoch, partition, offset, code) VALUES ('elsewhere', 1, 0, 5, 'x')`,
  });
  expect((await differences())[0]).toMatch(
    /^dead_letters elsewhere\/1\[0\] offset 5 should not be there/,
  );
  await clickHouse.command({ query: 'TRUNCATE TABLE usage_hourly' });
  const list = await differences(3);
  expect(list[0]).toMatch(/^usage_hourly .* is missing/);
  expect(list).toHaveLength(4);
});
