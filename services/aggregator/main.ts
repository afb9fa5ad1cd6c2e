import { readSchemaDirectory, type PublishedSchema } from '../shared/avro/schema-directory.ts';
import { usageAggregateEncoder } from '../shared/avro/usage-aggregate-codec.ts';
import { usageEventDecoders } from '../shared/avro/usage-event-codec.ts';
import { checkClickHouse, openClickHouse } from '../shared/clickhouse/client.ts';
import { startHealthServer } from '../shared/process/health.ts';
import { checkKafka, openKafka } from '../shared/kafka/client.ts';
import { GroupReader } from '../shared/kafka/group-reader.ts';
import { openLogWriter } from '../shared/kafka/log-writer.ts';
import {
  aggregatesTopicName,
  aggregatorGroup,
  deadLetterTopicName,
} from '../shared/kafka/topic-names.ts';
import { runService } from '../shared/process/lifecycle.ts';
import { persist } from '../shared/process/retry.ts';
import { isRead, OUT_PARTITIONS, refuseWrongTopics } from '../shared/sources/check-topics.ts';
import { readSources } from '../shared/sources/register.ts';
import type { Keyring } from '../shared/model/control-record.ts';
import type { Knowledge } from '../shared/usage-fold/knowledge.ts';
import { Aggregator } from './aggregator.ts';
import { aggregatorConfig } from './config.ts';
import { openKafkaAdmin } from '../shared/kafka/admin.ts';
import { KafkaOutbox } from './kafka/kafka-outbox.ts';
import { ClickHouseStore } from './store/clickhouse-store.ts';

const knowledgeOf = (schemas: readonly PublishedSchema[], keyring: Keyring): Knowledge => ({
  decoders: usageEventDecoders(schemas),
  fingerprints: new Map(schemas.map(({ id, fingerprint }) => [id, fingerprint])),
  keyring,
});

runService('aggregator', async (logger, environment, crash) => {
  const config = aggregatorConfig(environment);
  const schemas = readSchemaDirectory();
  const clickHouse = openClickHouse(config);
  await checkClickHouse(clickHouse, config);

  const brokers = config.KAFKA_BROKERS;
  const kafka = openKafka({
    brokers,
    clientId: 'usage-aggregator',
    maxBatchMib: config.KAFKA_MAX_BATCH_MIB,
    logger,
  });
  await checkKafka(kafka, brokers);
  const admin = await openKafkaAdmin(kafka);
  const checked = new Set<string>();
  const writer = await openLogWriter(kafka);

  const prefix = config.USAGE_TOPIC_PREFIX;
  const aggregator = new Aggregator(
    {
      readKnowledge: () => knowledgeOf(readSchemaDirectory(), config.USAGE_CONTROL_KEYS),
      sources: async () => {
        const sources = (await readSources(clickHouse)).filter(isRead);
        const unchecked = sources.filter(({ topic }) => !checked.has(topic));
        if (unchecked.length > 0 || checked.size === 0) {
          await refuseWrongTopics(admin, config, unchecked);
        }
        for (const { topic } of unchecked) checked.add(topic);
        return sources;
      },
      openReader: (topics, readers) =>
        new GroupReader(kafka, readers, {
          groupId: aggregatorGroup(prefix),
          topics,
          sessionTimeout: config.AGGREGATOR_SESSION_MILLIS,
          onCrash: crash,
        }),
      worker: {
        store: new ClickHouseStore(clickHouse),
        outbox: new KafkaOutbox(writer, {
          deadLetters: { topic: deadLetterTopicName(prefix), partitions: OUT_PARTITIONS },
          aggregates: { topic: aggregatesTopicName(prefix), partitions: OUT_PARTITIONS },
          keyring: config.USAGE_CONTROL_KEYS,
          encode: usageAggregateEncoder(schemas),
        }),
        log: admin,
        logger,
        now: Date.now,
        persist: persist(logger),
      },
      logger,
      onCrash: crash,
    },
    {
      flushInterval: config.AGGREGATOR_FLUSH_MILLIS,
      flushEvents: config.AGGREGATOR_FLUSH_EVENTS,
      indexMaxBytes: config.AGGREGATOR_INDEX_MIB * 1024 * 1024,
      windowsMaxBytes: config.AGGREGATOR_WINDOWS_MIB * 1024 * 1024,
      sourcesInterval: config.AGGREGATOR_SOURCES_MILLIS,
      verifyInterval: config.AGGREGATOR_VERIFY_MILLIS,
      stallMillis: config.AGGREGATOR_STALL_MILLIS,
    },
  );
  const health = await startHealthServer(config, () => aggregator.health());
  await aggregator.start();
  logger.info({ health: health.url }, 'ready');

  return {
    stop: async () => {
      await aggregator.stop();
      await Promise.all([writer.close(), admin.close(), clickHouse.close(), health.close()]);
    },
  };
});
