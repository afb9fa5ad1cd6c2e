import { createHash } from 'node:crypto';
import kafkajs from 'kafkajs';
import { queryRows } from '../../services/shared/clickhouse/client.ts';
import { deadLetterTopicName } from '../../services/shared/kafka/topic-names.ts';
import { DEAD_LETTER_HEADERS } from '../../services/shared/model/dead-letter.ts';
import { HOUR_MILLIS } from '../../services/shared/model/time.ts';
import { setTopic } from '../support/kafka/set-topic.ts';
import { Pipeline, STORAGE_ONLY } from '../support/pipeline.ts';
import { readLog } from '../support/workload/read-log.ts';
import { usageNow } from '../support/workload/usage-now.ts';

const MIB = 1024 * 1024;
/** Larger than the topic of the dead letters takes; larger than a row that the engine reads in parallel. */
const SIZES = [3 * MIB, 90 * MIB];

test('a record in a compressed batch that is too large for the dead letters does not stop its partition', async () => {
  const pipeline = await Pipeline.open(HOUR_MILLIS, STORAGE_ONLY);
  const producer = pipeline.stack.kafka.producer();
  const admin = pipeline.stack.kafka.admin();
  await Promise.all([producer.connect(), admin.connect()]);
  try {
    const source = await pipeline.onlySource();
    const { topic } = source;
    await setTopic(admin, topic, 'compression.type', 'producer');
    for (const size of SIZES) {
      await producer.send({
        topic,
        compression: kafkajs.CompressionTypes.GZIP,
        messages: [{ partition: 0, key: Buffer.alloc(MIB, 7), value: Buffer.alloc(size, 9) }],
      });
    }
    await setTopic(admin, topic, 'compression.type', 'uncompressed');
    await pipeline.produce(usageNow(1, { events: 100, topics: [source], shares: {} }));
    const aggregator = await pipeline.startAggregator();
    await pipeline.settled();
    await aggregator.stop();

    const [counts] = await queryRows(
      pipeline.stack.clickHouse,
      `SELECT toUInt32(accepted) AS accepted, toUInt32(dead_lettered) AS refused FROM checkpoints FINAL`,
    );
    expect(counts).toEqual({ accepted: 100, refused: 2 });
    const whole = await queryRows<{ keys: string; values: string }>(
      pipeline.stack.clickHouse,
      `SELECT toString(length(record_key)) AS keys, toString(length(record_value)) AS values
       FROM dead_letters FINAL ORDER BY offset`,
    );
    expect(whole).toEqual(SIZES.map((size) => ({ keys: String(MIB), values: String(size) })));

    const prefix = pipeline.stack.config.USAGE_TOPIC_PREFIX;
    const logs = await readLog(pipeline.stack.kafka, [deadLetterTopicName(prefix)]);
    const copies = logs.flatMap(({ records }) => records);
    expect(copies).toHaveLength(SIZES.length);
    for (const [n, copy] of copies.entries()) {
      const size = SIZES[n] ?? 0;
      const bytes = Buffer.alloc(size, 9);
      expect(bytes.subarray(0, copy.value?.length).equals(copy.value ?? Buffer.alloc(1))).toBe(
        true,
      );
      expect(copy.headers).toMatchObject({
        [DEAD_LETTER_HEADERS.code]: 'malformed',
        [DEAD_LETTER_HEADERS.keyBytes]: String(MIB),
        [DEAD_LETTER_HEADERS.valueBytes]: String(size),
        [DEAD_LETTER_HEADERS.valueSha256]: createHash('sha256').update(bytes).digest('hex'),
      });
    }
    expect(await pipeline.usagectl('audit', '--no-billing')).toMatchObject({ code: 0 });
  } finally {
    await Promise.all([producer.disconnect(), admin.disconnect()]);
    await pipeline.close();
  }
});
