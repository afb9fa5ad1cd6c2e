import type { ClickHouseClient } from '@clickhouse/client';
import type { Logger } from 'pino';
import { readSchemaDirectory } from '../shared/avro/schema-directory.ts';
import { hourPartDecoder, hourPartEncoder } from '../shared/avro/hour-part-codec.ts';
import { CarryLog } from '../shared/billing/carry-log.ts';
import { readTerms, writeTerms } from '../shared/billing/terms-table.ts';
import { checkClickHouse, openClickHouse } from '../shared/clickhouse/client.ts';
import { openKafkaAdmin } from '../shared/kafka/admin.ts';
import { connectKafka } from '../shared/kafka/client.ts';
import { GroupReader } from '../shared/kafka/group-reader.ts';
import { openLogWriter, type LogWriter } from '../shared/kafka/log-writer.ts';
import { aggregatesTopicName } from '../shared/kafka/topic-names.ts';
import { readMeterCatalog } from '../shared/meters/meter-catalog.ts';
import { sourceName } from '../shared/model/source.ts';
import { isoText } from '../shared/model/time.ts';
import { startHealthServer } from '../shared/process/health.ts';
import { runService } from '../shared/process/lifecycle.ts';
import { persist } from '../shared/process/retry.ts';
import { OUT_PARTITIONS, refuseWrongTopics } from '../shared/sources/check-topics.ts';
import { readSources } from '../shared/sources/register.ts';
import { HourPublisher } from '../shared/usage-store/hour-publisher.ts';
import { Bridge, type BridgeOptions } from './bridge.ts';
import { commerceTokens } from '../shared/commerce/sign-in.ts';
import { readCannotCarry } from './cannot-carry.ts';
import { CommerceClient } from './commerce/commerce-client.ts';
import { batchBody } from './commerce/usage-message.ts';
import { Gate } from './commerce/gate.ts';
import { readBridgeConfig } from './config.ts';
import type { DryRunPorts } from './dry-run.ts';
import { establishTerms, wantedTerms } from './establish-terms.ts';
import type { WorkerPorts } from './worker-ports.ts';
import { readUnsent } from '../shared/billing/unsent.ts';
import {
  readRegistration,
  registrationText,
  registrationWarnings,
  type Registration,
} from '../shared/billing/registration.ts';
import { recoverLost } from './recover-lost.ts';
import { readReported, ReportingWatch } from './reporting-watch.ts';
import { RegistrationWatch } from './registration-watch.ts';
import { SourceRegister } from './source-register.ts';
import { ClickHouseStore } from './store/clickhouse-store.ts';
import { lostHours } from './store/lost-hours.ts';
import { newestOpenHour } from './store/newest-open-hour.ts';
import { UnsentWatch } from './unsent-watch.ts';

const REPORTING_WATCH_MILLIS = 3_600_000;

type Config = ReturnType<typeof readBridgeConfig>;

/**
 * Opens the bridge's connections.
 * @throws UserError if a server does not answer, or is not as it must be
 */
const connect = async (config: Config, logger: Logger) => {
  const clickHouse = openClickHouse(config);
  await checkClickHouse(clickHouse, config);
  const kafka = await connectKafka(config, 'usage-bridge', logger);
  const admin = await openKafkaAdmin(kafka);
  await refuseWrongTopics(admin, config, []);
  return { clickHouse, kafka, admin, writer: await openLogWriter(kafka) };
};

interface Wanted {
  readonly registration: Registration | null;
  readonly terms: ReturnType<typeof wantedTerms>;
}

/** @throws UserError if the registration, or the catalog with it, cannot be used */
const wantedBy = (registration: Registration | null): Wanted => ({
  registration,
  terms: wantedTerms(registration, readMeterCatalog()),
});

/** What is wanted at the start, and what stands in the registration file. */
interface AtStart extends Wanted {
  readonly file: { readonly path: string; readonly text: string } | null;
}

/**
 * Reads the registration and the catalog, before anything is opened.
 * @throws UserError if they cannot be used
 */
const readWanted = ({ COMMERCE_REGISTRATION_FILE: path }: Config): AtStart => {
  if (path === undefined) return { ...wantedBy(null), file: null };
  const text = registrationText(path);
  return { ...wantedBy(readRegistration(path, text)), file: { path, text } };
};

/** From now on hours are composed by the wanted terms. Earlier hours keep their terms. */
const bringTermsInForce = async (
  wanted: Wanted['terms'],
  clickHouse: ClickHouseClient,
  config: Config,
  logger: Logger,
): Promise<void> => {
  const established = await establishTerms(wanted, {
    read: () => readTerms(clickHouse),
    write: (terms) => writeTerms(clickHouse, terms),
    newestOpenHour: () => newestOpenHour(clickHouse, config.USAGE_HOUR_MILLIS, Date.now()),
    hourMillis: config.USAGE_HOUR_MILLIS,
  });
  if (established) {
    const from = isoText(established.effectiveFrom);
    logger.info({ from, reporting: established.reporting }, 'new billing terms apply');
  }
};

/** Brings the registration in force, now and whenever its file changes, and watches what it asks for. */
const keepRegistration = async ({
  atStart,
  clickHouse,
  config,
  logger,
}: {
  atStart: AtStart;
  clickHouse: ClickHouseClient;
  config: Config;
  logger: Logger;
}): Promise<{ problems: () => readonly string[]; stop: () => Promise<void> }> => {
  const reporting = new ReportingWatch(() => readReported(clickHouse), logger, Date.now);
  const apply = async ({ registration, terms }: Wanted): Promise<void> => {
    for (const warning of registrationWarnings(registration)) logger.warn(warning);
    await bringTermsInForce(terms, clickHouse, config, logger);
    reporting.stop();
    if (registration?.billingModel === 'PayAsYouUse') reporting.start(REPORTING_WATCH_MILLIS);
  };
  await apply(atStart);
  if (atStart.file === null) return { problems: () => [], stop: () => Promise.resolve() };
  const { path, text } = atStart.file;
  const watch = new RegistrationWatch(text, {
    read: () => registrationText(path),
    apply: (changed) => apply(wantedBy(readRegistration(path, changed))),
    logger,
  });
  watch.start(config.BRIDGE_SOURCES_MILLIS);
  return {
    problems: () => [...watch.problems, ...reporting.problems],
    stop: async () => {
      await watch.stop(); // what it is just bringing in force may start the other watch
      reporting.stop();
    },
  };
};

const storeOf = (
  clickHouse: ClickHouseClient,
  topic: string,
  register: SourceRegister,
  config: Config,
): ClickHouseStore =>
  new ClickHouseStore(
    clickHouse,
    topic,
    (at) => register.known.get(sourceName(at))?.hourMillis ?? config.USAGE_HOUR_MILLIS,
  );

const recovery = (
  writer: LogWriter,
  topic: string,
  register: SourceRegister,
  clickHouse: ClickHouseClient,
  config: Config,
): WorkerPorts['recover'] => {
  const publisher = new HourPublisher(writer, {
    topic,
    partitions: OUT_PARTITIONS,
    keyring: config.USAGE_CONTROL_KEYS,
    encode: hourPartEncoder(readSchemaDirectory()),
  });
  return (partition, composed) =>
    recoverLost(partition, OUT_PARTITIONS, {
      sources: register.known,
      composed,
      usage: lostHours(clickHouse),
      publish: (place, hours) => publisher.publish(place, hours),
      outbox: carryLog(writer, topic, register, config),
    });
};

const carryLog = (
  writer: LogWriter,
  topic: string,
  register: SourceRegister,
  config: Config,
): CarryLog =>
  new CarryLog(writer, {
    topic,
    partitions: OUT_PARTITIONS,
    keyring: config.USAGE_CONTROL_KEYS,
    now: Date.now,
    movesTo: (carry) => register.movesTo(carry, carry.resourceUri),
  });

const senderPorts = (
  writer: LogWriter,
  topic: string,
  register: SourceRegister,
  clickHouse: ClickHouseClient,
  config: Config,
): WorkerPorts['sender'] => ({
  commerce: new CommerceClient({
    url: config.COMMERCE_URL,
    tokens: commerceTokens(config, config.BRIDGE_REQUEST_MILLIS),
    requestMillis: config.BRIDGE_REQUEST_MILLIS,
    additionalInfo: config.COMMERCE_ADDITIONAL_INFO === 'on',
  }),
  gate: new Gate(
    { maxInFlight: config.BRIDGE_MAX_IN_FLIGHT, retryMillis: config.BRIDGE_RETRY_MILLIS },
    Date.now,
  ),
  outbox: carryLog(writer, topic, register, config),
  cannotCarry: () => readCannotCarry(register, () => readTerms(clickHouse)),
});

const dryRunOf = (config: Config, logger: Logger): DryRunPorts['bodyOf'] | null => {
  if (config.BRIDGE_DRY_RUN === 'off') return null;
  logger.warn(
    'this is a dry run (BRIDGE_DRY_RUN): what would be sent is recorded, nothing is sent',
  );
  return (batch) => batchBody(batch, config.COMMERCE_ADDITIONAL_INFO === 'on');
};

const optionsOf = (config: Config): BridgeOptions => ({
  flushInterval: config.BRIDGE_FLUSH_MILLIS,
  retryMillis: config.BRIDGE_RETRY_MILLIS,
  clockSkewMillis: config.BRIDGE_CLOCK_SKEW_MILLIS,
  sourcesInterval: config.BRIDGE_SOURCES_MILLIS,
  verifyInterval: config.BRIDGE_VERIFY_MILLIS,
  stallMillis: config.BRIDGE_STALL_MILLIS,
});

runService('bridge', async (logger, environment, crash) => {
  const config = readBridgeConfig(environment);
  const atStart = readWanted(config);
  const { clickHouse, kafka, admin, writer } = await connect(config, logger);
  const registration = await keepRegistration({ atStart, clickHouse, config, logger });

  const topic = aggregatesTopicName(config.USAGE_TOPIC_PREFIX);
  const register = new SourceRegister(() => readSources(clickHouse));
  const bridge = new Bridge(
    topic,
    {
      decode: hourPartDecoder(readSchemaDirectory()),
      keyring: config.USAGE_CONTROL_KEYS,
      partitions: OUT_PARTITIONS,
    },
    {
      openReader: (topics, readers) =>
        new GroupReader(kafka, readers, {
          groupId: `${config.USAGE_TOPIC_PREFIX}-bridge`,
          topics,
          sessionTimeout: config.BRIDGE_SESSION_MILLIS,
          onCrash: crash,
        }),
      worker: {
        store: storeOf(clickHouse, topic, register, config),
        log: admin,
        register,
        recover: recovery(writer, topic, register, clickHouse, config),
        sender: senderPorts(writer, topic, register, clickHouse, config),
        dryRun: dryRunOf(config, logger),
        logger,
        now: Date.now,
        persist: persist(logger),
        onCrash: crash,
      },
      logger,
    },
    optionsOf(config),
  );
  const unsent = new UnsentWatch({ read: () => readUnsent(clickHouse), now: Date.now, logger });
  const health = await startHealthServer(config, () => {
    const { problems, details } = unsent.addTo(bridge.health());
    return { problems: [...problems, ...registration.problems()], details };
  });
  await bridge.start();
  unsent.start();
  logger.info({ health: health.url }, 'ready');

  return {
    stop: async () => {
      await registration.stop();
      await bridge.stop();
      await unsent.stop();
      await Promise.all([writer.close(), admin.close(), clickHouse.close(), health.close()]);
    },
  };
});
