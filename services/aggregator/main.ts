import type { ClickHouseClient } from '@clickhouse/client';
import { readSchemaDirectory } from '../shared/avro/schema-directory.ts';
import { hourPartEncoder } from '../shared/avro/hour-part-codec.ts';
import { checkClickHouse, openClickHouse } from '../shared/clickhouse/client.ts';
import { foldBounds } from '../shared/process/config.ts';
import { startHealthServer } from '../shared/process/health.ts';
import { openKafkaAdmin, type KafkaAdmin } from '../shared/kafka/admin.ts';
import { connectKafka } from '../shared/kafka/client.ts';
import { GroupReader } from '../shared/kafka/group-reader.ts';
import { openLogWriter, type LogWriter } from '../shared/kafka/log-writer.ts';
import {
  aggregatesTopicName,
  aggregatorGroup,
  deadLetterTopicName,
} from '../shared/kafka/topic-names.ts';
import { collectSeldom } from '../shared/process/collect-seldom.ts';
import { runService } from '../shared/process/lifecycle.ts';
import { persist } from '../shared/process/retry.ts';
import { isRead, OUT_PARTITIONS, refuseWrongTopics } from '../shared/sources/check-topics.ts';
import { readSources } from '../shared/sources/register.ts';
import { knowledgeOf } from '../shared/usage-fold/knowledge.ts';
import { Aggregator, type AggregatorOptions, type AggregatorPorts } from './aggregator.ts';
import { readAggregatorConfig } from './config.ts';
import { KafkaOutbox } from './kafka/kafka-outbox.ts';
import { ClickHouseStore } from '../shared/usage-store/clickhouse-store.ts';

type Config = ReturnType<typeof readAggregatorConfig>;

/** Returns the sources that should be read. A topic is checked before it is read for the first time. */
const checkedSources = (
  clickHouse: ClickHouseClient,
  admin: KafkaAdmin,
  config: Config,
): AggregatorPorts['sources'] => {
  const checked = new Set<string>();
  return async () => {
    const sources = (await readSources(clickHouse)).filter(isRead);
    const unchecked = sources.filter(({ topic }) => !checked.has(topic));
    if (unchecked.length > 0 || checked.size === 0) {
      await refuseWrongTopics(admin, config, unchecked);
    }
    for (const { topic } of unchecked) checked.add(topic);
    return sources;
  };
};

const outboxOf = (
  writer: LogWriter,
  config: Config,
  encode: ReturnType<typeof hourPartEncoder>,
): KafkaOutbox => {
  const prefix = config.USAGE_TOPIC_PREFIX;
  return new KafkaOutbox(writer, {
    deadLetters: { topic: deadLetterTopicName(prefix), partitions: OUT_PARTITIONS },
    aggregates: { topic: aggregatesTopicName(prefix), partitions: OUT_PARTITIONS },
    keyring: config.USAGE_CONTROL_KEYS,
    encode,
  });
};

const optionsOf = (config: Config): AggregatorOptions => ({
  flushInterval: config.AGGREGATOR_FLUSH_MILLIS,
  flushEvents: config.AGGREGATOR_FLUSH_EVENTS,
  ...foldBounds(config),
  sourcesInterval: config.AGGREGATOR_SOURCES_MILLIS,
  verifyInterval: config.AGGREGATOR_VERIFY_MILLIS,
  stallMillis: config.AGGREGATOR_STALL_MILLIS,
});

collectSeldom();
runService('aggregator', async (logger, environment, crash) => {
  const config = readAggregatorConfig(environment);
  const schemas = readSchemaDirectory();
  const clickHouse = openClickHouse(config);
  await checkClickHouse(clickHouse, config);

  const kafka = await connectKafka(config, 'usage-aggregator', logger);
  const admin = await openKafkaAdmin(kafka);
  const writer = await openLogWriter(kafka);

  const aggregator = new Aggregator(
    {
      readKnowledge: () => knowledgeOf(readSchemaDirectory(), config.USAGE_CONTROL_KEYS),
      sources: checkedSources(clickHouse, admin, config),
      openReader: (topics, readers) =>
        new GroupReader(kafka, readers, {
          groupId: aggregatorGroup(config.USAGE_TOPIC_PREFIX),
          topics,
          sessionTimeout: config.AGGREGATOR_SESSION_MILLIS,
          onCrash: crash,
        }),
      worker: {
        store: new ClickHouseStore(clickHouse),
        outbox: outboxOf(writer, config, hourPartEncoder(schemas)),
        log: admin,
        logger,
        now: Date.now,
        persist: persist(logger),
      },
      logger,
      onCrash: crash,
    },
    optionsOf(config),
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
