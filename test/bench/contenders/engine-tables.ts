/** What somebody would write who gave this job to ClickHouse alone: a ledger and hourly sums, fed by its Kafka engine. */

export interface QueueSettings {
  readonly brokers: readonly string[];
  readonly topic: string;
  readonly consumers: number;
  /** Whether each consumer has a thread of its own, or all of them fill one block together. */
  readonly threadPerConsumer: boolean;
  readonly maxBlockSize: number;
}

/** Milliseconds after which a block that is not full is written. */
const FLUSH_MILLIS = 1_000;

export const TABLES: readonly string[] = [
  `CREATE TABLE ledger
   (
     event_id FixedString(16), subscription_id String, meter_id String, resource_uri String,
     usage_start DateTime64(3, 'UTC'), usage_end DateTime64(3, 'UTC'), quantity Decimal(76, 30),
     location LowCardinality(String), tags Nullable(String), additional_info Nullable(String),
     partition UInt16, offset UInt64
   )
   ENGINE = MergeTree ORDER BY (partition, usage_start, event_id)
   SETTINGS min_bytes_for_wide_part = 268435456`,
  `CREATE TABLE hourly
   (
     usage_hour DateTime('UTC'), subscription_id String, meter_id String, resource_uri String,
     quantity Decimal(76, 30), events UInt64
   )
   ENGINE = SummingMergeTree ORDER BY (usage_hour, subscription_id, meter_id, resource_uri)
   SETTINGS min_bytes_for_wide_part = 268435456`,
];

/** Names and types as the Avro schema has them. What is not Avro, such as a rules record, is set aside. */
export const queueTable = (settings: QueueSettings, registry: string): string =>
  `CREATE TABLE queue
   (
     eventId FixedString(16), subscriptionId String, meterId String, resourceUri String,
     usageStartTime DateTime64(3, 'UTC'), usageEndTime DateTime64(3, 'UTC'), quantity Decimal(76, 30),
     location String, tags Nullable(String), additionalInfo Nullable(String)
   )
   ENGINE = Kafka
   SETTINGS kafka_broker_list = '${settings.brokers.join(',')}', kafka_topic_list = '${settings.topic}',
     kafka_group_name = 'bench-engine-${String(process.pid)}-${String(Date.now())}',
     kafka_format = 'AvroConfluent', format_avro_schema_registry_url = '${registry}',
     kafka_num_consumers = ${String(settings.consumers)},
     kafka_thread_per_consumer = ${settings.threadPerConsumer ? '1' : '0'},
     kafka_max_block_size = ${String(settings.maxBlockSize)}, kafka_poll_max_batch_size = 65536,
     kafka_flush_interval_ms = ${String(FLUSH_MILLIS)}, kafka_handle_error_mode = 'stream'`;

export const VIEWS: readonly string[] = [
  `CREATE MATERIALIZED VIEW to_hourly TO hourly AS
   SELECT toStartOfHour(usageStartTime) AS usage_hour, subscriptionId AS subscription_id, meterId AS meter_id,
     resourceUri AS resource_uri, sum(quantity) AS quantity, count() AS events
   FROM queue WHERE length(_error) = 0 GROUP BY 1, 2, 3, 4`,
  `CREATE MATERIALIZED VIEW to_ledger TO ledger AS
   SELECT eventId AS event_id, subscriptionId AS subscription_id, meterId AS meter_id, resourceUri AS resource_uri,
     usageStartTime AS usage_start, usageEndTime AS usage_end, quantity, location, tags,
     additionalInfo AS additional_info, _partition AS partition, _offset AS offset
   FROM queue WHERE length(_error) = 0`,
];
