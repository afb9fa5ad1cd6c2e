import { createServer } from 'node:http';
import { once } from 'node:events';
import type { AddressInfo } from 'node:net';
import type { Session } from 'chdb';
import {
  newestSchema,
  readSchemaDirectory,
} from '../../../services/shared/avro/schema-directory.ts';
import { USAGE_EVENT_SUBJECT } from '../../../services/shared/avro/usage-event-codec.ts';
import { queueTable, TABLES, VIEWS, type QueueSettings } from './engine-tables.ts';
import { tell } from './report.ts';

/** What ClickHouse's Kafka engine is told, as JSON in its argument. */
export interface EngineTask extends QueueSettings {
  /** Where its data go. */
  readonly directory: string;
  readonly records: number;
  /** Records that are no events: it counts them as broken. */
  readonly control: number;
  readonly partitions: number;
}

const POLL_MILLIS = 20;

/** A schema registry, as far as the engine asks one: schemas by their ids. */
const startRegistry = async (): Promise<string> => {
  const { definition } = newestSchema(readSchemaDirectory(), USAGE_EVENT_SUBJECT);
  const server = createServer((_request, response) => {
    response.setHeader('content-type', 'application/vnd.schemaregistry.v1+json');
    response.end(JSON.stringify({ schema: JSON.stringify(definition) }));
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  return `http://127.0.0.1:${String((server.address() as AddressInfo).port)}`;
};

const openSession = async (directory: string, registry: string): Promise<Session> => {
  const { Session } = await import('chdb');
  // Consumers run in this pool. The materialized views take the registry from the session's settings.
  const connectionArgs = [
    '--background_message_broker_schedule_pool_size=16',
    `--format_avro_schema_registry_url=${registry}`,
  ];
  return new Session(directory, { connectionArgs });
};

const task = JSON.parse(process.argv[2] ?? '') as EngineTask;
const registry = await startRegistry();
const session = await openSession(task.directory, registry);
const ask = async (sql: string): Promise<string> =>
  (await session.queryAsync(sql, { format: 'TSVRaw' })).text().trim();
const numberOf = async (sql: string): Promise<number> => Number(await ask(sql));
const pause = (): Promise<void> => new Promise((resolve) => setTimeout(resolve, POLL_MILLIS));

for (const table of [...TABLES, queueTable(task, registry)]) await ask(table);
for (const view of VIEWS) await ask(view);
/** Partitions that are assigned, and messages that were read by then: it may be faster than the question. */
const consumers = async (): Promise<readonly number[]> =>
  (
    await ask(
      'SELECT sum(length(assignments.topic)), sum(num_messages_read) FROM system.kafka_consumers',
    )
  )
    .split('\t')
    .map(Number);
let [assigned = 0, early = 0] = await consumers();
while (assigned < task.partitions) {
  await pause();
  [assigned = 0, early = 0] = await consumers();
}
tell({ at: 'assigned', millis: Date.now() });

const events = task.records - task.control;
const stored = 'SELECT least((SELECT count() FROM ledger), (SELECT sum(events) FROM hourly))';
while ((await numberOf('SELECT count() FROM ledger')) < events) await pause();
while ((await numberOf(stored)) < events) await pause();
const millis = Date.now();
const windows = await numberOf(
  'SELECT uniqExact(usage_hour, subscription_id, meter_id, resource_uri) FROM hourly',
);
tell({ at: 'done', millis, counts: { records: events - early, windows } });
await once(process.stdin.resume(), 'end');
process.exit(0);
