import avro from 'avsc';
import { Kafka, logLevel } from 'kafkajs';
import {
  newestSchema,
  readSchemaDirectory,
} from '../../../services/shared/avro/schema-directory.ts';
import { USAGE_EVENT_SUBJECT } from '../../../services/shared/avro/usage-event-codec.ts';
import { unframe } from '../../../services/shared/avro/wire-format.ts';
import { fetchedFrom, readBatch } from '../../../services/shared/kafka/fetched-batch.ts';
import { readFetchesWithin } from '../../../services/shared/kafka/fetch/install.ts';
import { valueBytes } from '../../../services/shared/model/record-batch.ts';
import { tell } from './report.ts';

/** What a drain is told, as JSON in its argument. */
export interface DrainTask {
  readonly brokers: readonly string[];
  readonly topic: string;
  readonly partitions: number;
  /** Records in the topic. */
  readonly records: number;
  /** kafkajs' own decoder of fetches, or this project's. */
  readonly decoder: 'stock' | 'project';
  /** Whether each value is decoded with avsc, as a plain consumer of this schema would; with kafkajs' own. */
  readonly avsc: boolean;
}

const MAX_BATCH_BYTES = 128 * 1024 * 1024;

const task = JSON.parse(process.argv[2] ?? '') as DrainTask;
if (task.decoder === 'project') readFetchesWithin(MAX_BATCH_BYTES);

const schema = newestSchema(readSchemaDirectory(), USAGE_EVENT_SUBJECT);
const type = avro.Type.forSchema(schema.definition as avro.Schema);

const kafka = new Kafka({
  brokers: [...task.brokers],
  clientId: 'bench-drain',
  logLevel: logLevel.ERROR,
});
const consumer = kafka.consumer({
  groupId: `bench-drain-${String(process.pid)}-${String(Date.now())}`,
  maxBytesPerPartition: 4 * 1024 * 1024,
  maxBytes: 32 * 1024 * 1024,
  maxWaitTimeInMs: 100,
});
consumer.on(consumer.events.GROUP_JOIN, () => tell({ at: 'assigned', millis: Date.now() }));
await consumer.connect();
await consumer.subscribe({ topics: [task.topic], fromBeginning: true });

let records = 0;
let bytes = 0;
let hours = 0;
let isDone = false;
await consumer.run({
  autoCommit: false,
  partitionsConsumedConcurrently: task.partitions,
  eachBatch: ({ batch }) => {
    const ours = task.decoder === 'project' ? readBatch(batch, fetchedFrom(batch)).batches : [];
    for (const each of ours) {
      records += each.count;
      bytes += valueBytes(each);
    }
    for (const { value } of task.decoder === 'stock' ? batch.messages : []) {
      if (value === null) continue; // the load has a value in each record
      records++;
      bytes += value.length;
      const framed = task.avsc ? unframe(value) : null;
      if (framed?.schemaId !== schema.id) continue;
      const event = type.fromBuffer(framed.datum) as { readonly usageStartTime: number };
      hours += event.usageStartTime;
    }
    if (records >= task.records && !isDone) {
      isDone = true;
      tell({ at: 'done', millis: Date.now(), counts: { records, bytes, hours } });
    }
    return Promise.resolve();
  },
});
