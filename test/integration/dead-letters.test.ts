import { queryRows } from '../../services/shared/clickhouse/client.ts';
import { DEAD_LETTER_HEADERS } from '../../services/shared/model/dead-letter.ts';
import { deadLetterTopicName } from '../../services/shared/kafka/topic-names.ts';
import { HOUR_MILLIS, millis } from '../../services/shared/model/time.ts';
import { Pipeline } from '../support/pipeline.ts';
import { BAD_RECORD_CODES } from '../support/workload/emission.ts';
import { generateWorkload } from '../support/workload/generate-workload.ts';
import { readLog } from '../support/workload/read-log.ts';

const EVENTS = 6_000;

let pipeline: Pipeline;

beforeAll(async () => {
  pipeline = await Pipeline.open(HOUR_MILLIS);
  const kinds = [...Object.keys(BAD_RECORD_CODES), 'conflict', 'in-future', 'too-old'];
  const now = millis(Date.now());
  await pipeline.produce(
    generateWorkload({
      seed: 7,
      events: EVENTS,
      tenants: 10,
      resourcesPerTenant: 10,
      topics: await pipeline.sources(),
      reportedFrom: now,
      reportedTo: now,
      shares: Object.fromEntries(kinds.map((kind) => [kind, 0.02])),
    }),
  );
  const aggregator = await pipeline.startAggregator();
  await pipeline.settled();
  await aggregator.stop();
});

afterAll(async () => {
  await pipeline.close();
});

test('every bad record is in the dead letters under its own code, the rest is unharmed', async () => {
  expect(await pipeline.differences()).toEqual([]);
  const rows = await queryRows<{ code: string }>(
    pipeline.stack.clickHouse,
    'SELECT DISTINCT code FROM dead_letters',
  );
  const expected = [...Object.values(BAD_RECORD_CODES), 'conflict', 'in-future', 'too-old'];
  expect(new Set(rows.map(({ code }) => code))).toEqual(new Set(expected));
});

test('the dead-letter topic has the original bytes and says where they stood and why', async () => {
  const { kafka, clickHouse, config } = pipeline.stack;
  const topic = deadLetterTopicName(config.USAGE_TOPIC_PREFIX);
  const published = (await readLog(kafka, [topic])).flatMap(({ records }) => records);
  const stored = await queryRows<Record<string, string | null>>(
    clickHouse,
    `SELECT topic, toString(epoch) AS epoch, toString(partition) AS partition,
       toString(offset) AS offset, toString(record_timestamp) AS timestamp, code, message,
       base64Encode(record_key) AS key, base64Encode(record_value) AS value
     FROM dead_letters FINAL`,
  );
  const fromTopic = published.map(({ key, value, headers }) => ({
    ...Object.fromEntries(
      (['topic', 'epoch', 'partition', 'offset', 'timestamp', 'code', 'message'] as const).map(
        (name) => [name, headers[DEAD_LETTER_HEADERS[name]]],
      ),
    ),
    key: key?.toString('base64') ?? null,
    value: value?.toString('base64') ?? null,
  }));
  const byText = (a: object, b: object): number => (JSON.stringify(a) < JSON.stringify(b) ? -1 : 1);
  expect(stored.length).toBeGreaterThan(1_000);
  expect(fromTopic.sort(byText)).toEqual([...stored].sort(byText));
});
