import { controlRecord } from '../../services/shared/model/control-record.ts';
import { aggregatesTopicName } from '../../services/shared/kafka/topic-names.ts';
import { OUT_PARTITIONS } from '../../services/shared/sources/check-topics.ts';
import type { RegisteredSource } from '../../services/shared/sources/register.ts';
import { partitionOfKey } from '../../services/shared/model/placement.ts';
import { HOUR_MILLIS, nextHour, type Hour } from '../../services/shared/model/time.ts';
import {
  aggregateKey,
  serializeClosedMarker,
} from '../../services/shared/model/usage-aggregate.ts';
import { halted } from '../support/halted.ts';
import { Pipeline, STORAGE_ONLY } from '../support/pipeline.ts';
import { usageNow } from '../support/workload/usage-now.ts';

let pipeline: Pipeline;
let storage: RegisteredSource;

beforeEach(async () => {
  pipeline = await Pipeline.open(HOUR_MILLIS, STORAGE_ONLY);
  storage = await pipeline.onlySource();
});

afterEach(() => pipeline.close());

const openHour = async (): Promise<Hour> => {
  const { code, stdout } = await pipeline.usagectl('loss', 'show', '--json');
  expect(code).toBe(1);
  const [loss] = JSON.parse(stdout) as readonly { openHour: Hour }[];
  return loss?.openHour ?? (0 as Hour);
};

/** Appends a record to where the aggregates of the partition are, as if published for an hour. */
const append = async (
  hour: Hour,
  record: { value: Buffer; headers: Readonly<Record<string, string>> },
): Promise<void> => {
  const key = aggregateKey({ ...storage, partition: 0 });
  const topic = aggregatesTopicName(pipeline.stack.config.USAGE_TOPIC_PREFIX);
  await pipeline.tools.writer.append({ topic, partition: partitionOfKey(key, OUT_PARTITIONS) }, [
    { ...record, key, timestamp: hour },
  ]);
};

test('what a stranger writes for a later hour does not move the hour at which a loss goes on', async () => {
  await pipeline.produce(usageNow(1, { events: 100, topics: [storage], shares: {} }));
  await pipeline.admin.deleteTopicRecords({
    topic: storage.topic,
    partitions: [{ partition: 0, offset: '50' }],
  });
  await halted(await pipeline.startAggregator(), 'lost-records');
  const hour = await openHour();

  const at = { topic: storage.topic, epoch: storage.epoch, partition: 0 };
  const marker = { ...at, reportedHour: hour, parts: 0, digest: '' };
  const signed = controlRecord('closed', at, serializeClosedMarker(marker), pipeline.tools.keyring);
  await append(hour, { value: Buffer.from('usage'), headers: {} });
  await append(hour, { ...signed, headers: {} });
  await append(hour, { ...signed, value: Buffer.from(`${signed.value.toString()} `) });
  expect(await openHour()).toBe(hour);

  await append(hour, signed); // an owner had published it
  expect(await openHour()).toBe(nextHour(hour, HOUR_MILLIS));
});
