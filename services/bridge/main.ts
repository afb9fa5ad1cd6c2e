import { readSchemaDirectory } from '../shared/avro/schema-directory.ts';
import { usageAggregateDecoder } from '../shared/avro/usage-aggregate-codec.ts';
import { checkClickHouse, openClickHouse } from '../shared/clickhouse/client.ts';
import { startHealthServer } from '../shared/process/health.ts';
import { checkKafka, openKafka } from '../shared/kafka/client.ts';
import { GroupReader } from '../shared/kafka/group-reader.ts';
import { openKafkaAdmin } from '../shared/kafka/admin.ts';
import { openLogWriter } from '../shared/kafka/log-writer.ts';
import { aggregatesTopicName } from '../shared/kafka/topic-names.ts';
import { runService } from '../shared/process/lifecycle.ts';
import { readMeterCatalog } from '../shared/meters/meter-catalog.ts';
import { persist } from '../shared/process/retry.ts';
import { sourceName } from '../shared/model/source.ts';
import { OUT_PARTITIONS, refuseWrongTopics } from '../shared/sources/check-topics.ts';
import { readSources } from '../shared/sources/register.ts';
import { isoText } from '../shared/model/time.ts';
import { Bridge } from './bridge.ts';
import { CommerceClient } from './commerce/commerce-client.ts';
import { bridgeConfig } from './config.ts';
import { establishTerms, wantedTerms } from './establish-terms.ts';
import { KafkaOutbox } from './kafka/kafka-outbox.ts';
import { readRegistration } from './registration.ts';
import { SourceRegister } from './source-register.ts';
import { ClickHouseStore } from './store/clickhouse-store.ts';
import { newestOpenHour } from './store/newest-open-hour.ts';
import { readTerms, writeTerms } from '../shared/billing/terms-table.ts';

runService('bridge', async (logger, environment, crash) => {
  const config = bridgeConfig(environment);
  const file = config.COMMERCE_REGISTRATION_FILE;
  const registration = file === undefined ? null : readRegistration(file);
  const wanted = wantedTerms(registration, readMeterCatalog());
  const clickHouse = openClickHouse(config);
  await checkClickHouse(clickHouse, config);

  const brokers = config.KAFKA_BROKERS;
  const kafka = openKafka({
    brokers,
    clientId: 'usage-bridge',
    maxBatchMib: config.KAFKA_MAX_BATCH_MIB,
    logger,
  });
  await checkKafka(kafka, brokers);
  const admin = await openKafkaAdmin(kafka);
  await refuseWrongTopics(admin, config, []);
  const writer = await openLogWriter(kafka);

  const established = await establishTerms(wanted, {
    read: () => readTerms(clickHouse),
    write: (terms) => writeTerms(clickHouse, terms),
    newestOpenHour: () => newestOpenHour(clickHouse, config.USAGE_HOUR_MILLIS, Date.now()),
    hourMillis: config.USAGE_HOUR_MILLIS,
  });
  if (established) {
    const from = isoText(established.effectiveFrom);
    logger.info({ from, reporting: established.reporting }, 'there are new billing terms');
  }
  if (wanted.reporting !== 'on') {
    logger.warn({ reporting: wanted.reporting }, 'usage is collected and not sent to Commerce');
  }

  const prefix = config.USAGE_TOPIC_PREFIX;
  const topic = aggregatesTopicName(prefix);
  const register = new SourceRegister(() => readSources(clickHouse));
  const bridge = new Bridge(
    {
      decode: usageAggregateDecoder(readSchemaDirectory()),
      keyring: config.USAGE_CONTROL_KEYS,
      partitions: OUT_PARTITIONS,
    },
    {
      openReader: (readers) =>
        new GroupReader(kafka, readers, {
          groupId: `${prefix}-bridge`,
          topics: [topic],
          sessionTimeout: config.BRIDGE_SESSION_MILLIS,
          onCrash: crash,
        }),
      worker: {
        store: new ClickHouseStore(
          clickHouse,
          topic,
          (at) => register.known.get(sourceName(at))?.hourMillis ?? config.USAGE_HOUR_MILLIS,
        ),
        log: admin,
        register,
        sender: {
          commerce: new CommerceClient({
            url: config.COMMERCE_URL,
            token: config.COMMERCE_TOKEN ?? null,
            requestMillis: config.BRIDGE_REQUEST_MILLIS,
          }),
          outbox: new KafkaOutbox(writer, {
            topic,
            partitions: OUT_PARTITIONS,
            keyring: config.USAGE_CONTROL_KEYS,
            now: Date.now,
          }),
          cannotCarry: async () => {
            const reasonOf = await register.cannotCarry();
            return ({ at, submission }) => reasonOf(at, submission.resourceUri);
          },
        },
        logger,
        now: Date.now,
        persist: persist(logger),
        onCrash: crash,
      },
      logger,
    },
    {
      flushInterval: config.BRIDGE_FLUSH_MILLIS,
      retryMillis: config.BRIDGE_RETRY_MILLIS,
      sourcesInterval: config.BRIDGE_SOURCES_MILLIS,
      verifyInterval: config.BRIDGE_VERIFY_MILLIS,
      stallMillis: config.BRIDGE_STALL_MILLIS,
    },
  );
  const health = await startHealthServer(config, () => bridge.health());
  await bridge.start();
  logger.info({ health: health.url }, 'ready');

  return {
    stop: async () => {
      await bridge.stop();
      await Promise.all([writer.close(), admin.close(), clickHouse.close(), health.close()]);
    },
  };
});
