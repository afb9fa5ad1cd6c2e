import { setTimeout as sleep } from 'node:timers/promises';
import { readSchemaDirectory } from '../../../services/shared/avro/schema-directory.ts';
import { usageEventEncoder } from '../../../services/shared/avro/usage-event-codec.ts';
import { openKafka } from '../../../services/shared/kafka/client.ts';
import { openLogWriter } from '../../../services/shared/kafka/log-writer.ts';
import type { NewRecord } from '../../../services/shared/kafka/new-record.ts';
import { partitionOfKey } from '../../../services/shared/model/placement.ts';
import { HOUR_MILLIS, hourOf, millis } from '../../../services/shared/model/time.ts';
import { loadRecords, type LoadOptions } from '../load/load.ts';
import { silent } from '../scene.ts';

/** What a feed is told, as JSON in its argument. */
export interface FeedTask {
  readonly brokers: readonly string[];
  readonly topic: string;
  readonly load: LoadOptions;
  /** Events a second. */
  readonly rate: number;
}

/** Consecutive records, and when the broker appended them. */
export interface Batch {
  readonly partition: number;
  readonly first: number;
  readonly count: number;
  readonly at: number;
}

/** How often records are sent, in milliseconds: as many as are due. */
const STEP_MILLIS = 50;

const task = JSON.parse(process.argv[2] ?? '') as FeedTask;
const { topic, load, rate } = task;
const encode = usageEventEncoder(readSchemaDirectory());
const partitionOf = (key: string): number => partitionOfKey(key, load.partitions);

// Made before the first is sent, so that making them does not hold up the sending.
const records: { readonly partition: number; readonly record: NewRecord }[] = [];
const hour = hourOf(millis(Date.now()), HOUR_MILLIS);
for (const { key, event } of loadRecords(load, hour, HOUR_MILLIS)) {
  records.push({ partition: partitionOf(key), record: { key, value: encode(event) } });
}

const kafka = openKafka({
  brokers: task.brokers,
  clientId: 'bench-feed',
  maxBatchMib: 128,
  logger: silent,
});
const writer = await openLogWriter(kafka);
const batches: Batch[] = [];
/** Records of one partition follow one another. */
const queues = Array.from({ length: load.partitions }, () => Promise.resolve());

const append = async (partition: number, some: readonly NewRecord[]): Promise<void> => {
  for (const { firstOffset, count, appendTime } of await writer.append(
    { topic, partition },
    some,
  )) {
    batches.push({ partition, first: firstOffset, count, at: appendTime ?? Date.now() });
  }
};

const begun = Date.now();
let sent = 0;
while (sent < records.length) {
  const due = Math.min(records.length, Math.floor(((Date.now() - begun) / 1000) * rate));
  const byPartition: NewRecord[][] = [];
  for (const { partition, record } of records.slice(sent, due)) {
    (byPartition[partition] ??= []).push(record);
  }
  for (const [partition, some = []] of byPartition.entries()) {
    const before = queues[partition] ?? Promise.resolve();
    queues[partition] = before.then(() => append(partition, some));
  }
  sent = due;
  await sleep(STEP_MILLIS);
}
await Promise.all(queues);
process.stdout.write(`${JSON.stringify({ batches, seconds: (Date.now() - begun) / 1000 })}\n`);
await writer.close();
process.exit(0);
