import { join, resolve } from 'node:path';
import {
  clickHouseSettings,
  commerceSettings,
  controlKeySettings,
  hourSettings,
  kafkaSettings,
  parseEnvironment,
  providerSettings,
  serviceUrlSettings,
} from '../../shared/process/config.ts';
import { prepareServers, preparedText } from '../../operations/sources/prepare-servers.ts';
import { localDirectory } from '../../shared/process/local-directory.ts';
import { prepareDirectory } from './data-directory.ts';
import { usageApiAccess } from './usage-api-access.ts';
import { localControlKeys } from './control-keys.ts';
import { checkUnused, hasEndedBadly, ORPHAN_MILLIS, removePid, writePid } from './pid-file.ts';
import type { Reporter } from './reporter.ts';
import { inRepository, mainOf } from '../../shared/process/repository.ts';
import { startClickHouse, type LocalClickHouse } from './clickhouse/start-clickhouse.ts';
import { startKafka, type LocalKafka } from './kafka/start-kafka.ts';
import { serviceUrls, takenOver, writeNetrc, writeStackEnvironment } from './stack-environment.ts';
import { checkOwnServers, settingsOfParts, unusedPorts, type StackParts } from './stack-parts.ts';
import { checkStackPorts, type StackPorts } from './stack-ports.ts';
import { Supervisor } from './supervisor.ts';

const local = localDirectory();

const stackSettings = {
  ...kafkaSettings,
  ...clickHouseSettings,
  ...controlKeySettings,
  ...hourSettings,
  ...providerSettings,
  ...commerceSettings,
  ...serviceUrlSettings,
};

type StackConfig = ReturnType<typeof parseEnvironment<typeof stackSettings>>;

/** Everything that runs on this machine: servers, database, topics and services. */
export interface Stack {
  readonly config: StackConfig;
  readonly parts: StackParts;
  readonly supervisor: Supervisor;
  /** The file of the authority that callers of the usage API must trust; null for the system's. */
  readonly usageApiCa: string | null;
  /** Starts one of the repository's services and waits until it is ready. */
  startService(name: string, environment?: Readonly<Record<string, string>>): Promise<void>;
  /** Rejects when a server that all of it needs has ended. */
  readonly broken: Promise<never>;
  close(): Promise<void>;
}

/**
 * Starts Kafka and ClickHouse, unless the environment names others, and brings database and topics up to
 * date. Writes its settings and addresses to `.local/stack.env` for `usagectl`.
 * @throws UserError if something is not available; what was already started is stopped again
 */
export const openStack = async (
  ports: StackPorts,
  parts: StackParts,
  reporter: Reporter,
): Promise<Stack> => {
  checkOwnServers(parts, process.env);
  await prepareDirectory('The local stack', local, 'USAGE_LOCAL_DIR');
  await claim(ports, parts);
  const servers = await startServers(ports, reporter).catch(async (error: unknown) => {
    await removePid(local);
    throw error;
  });
  const close = async (): Promise<void> => {
    await Promise.all(servers.running.map((server) => server.stop()));
    await removePid(local);
  };
  try {
    const environment = await environmentOf(ports, parts, servers.environment);
    const config = parseEnvironment(stackSettings, { ...process.env, ...environment });
    await prepare(config, reporter);
    await writeStackEnvironment(local, environment);
    await writeNetrc(local, servers.environment);
    return assemble({
      config,
      parts,
      environment,
      ports,
      servers: servers.running,
      close,
      reporter,
    });
  } catch (error) {
    await close();
    throw error;
  }
};

type Settings = Readonly<Record<string, string>>;

/** What all of the stack and `usagectl` work with, besides the environment of this process. */
const environmentOf = async (
  ports: StackPorts,
  parts: StackParts,
  ofServers: Settings,
): Promise<Settings> => {
  const access = await usageApiAccess(local, process.env);
  const urls = serviceUrls(ports, process.env, 'USAGE_API_TLS_CERT' in access);
  const registration =
    process.env['COMMERCE_REGISTRATION_FILE'] ??
    (parts.commerce ? inRepository('samples/registration.json') : null);
  return {
    ...takenOver(process.env),
    ...ofServers,
    ...access,
    ...settingsOfParts({ ...urls }, parts, process.env),
    ...(registration !== null && { COMMERCE_REGISTRATION_FILE: registration }),
    ...(await keysOf('USAGE_CONTROL_KEYS', 'control-keys')),
    ...(await keysOf('USAGE_API_TOKEN_KEYS', 'token-keys')),
  };
};

/** Keys as they are given, in the environment or in a file; otherwise those of this machine. */
const keysOf = async (name: string, file: string): Promise<Settings> => {
  const path = process.env[`${name}_FILE`]?.trim();
  if (path) return { [`${name}_FILE`]: resolve(path) };
  return { [name]: process.env[name] ?? (await localControlKeys(join(local, file))) };
};

/** @throws UserError if another stack runs in the directory, or a port is in use */
const claim = async (ports: StackPorts, parts: StackParts): Promise<void> => {
  await checkUnused('The local stack', local, 'services/development/local/start');
  for (const [what, name] of [
    ['Kafka', 'kafka'],
    ['ClickHouse', 'clickhouse'],
  ] as const) {
    await checkUnused(what, join(local, 'data', name));
  }
  // After a crash the services of the previous stack are about to end.
  const patience = (await hasEndedBadly(local)) ? ORPHAN_MILLIS : 0;
  await checkStackPorts(ports, process.env, patience, unusedPorts(parts));
  await writePid(local, process.pid, process.ppid);
};

const NO_KAFKA_SECURITY: Settings = {
  KAFKA_TLS: '',
  KAFKA_CA_FILE: '',
  KAFKA_SASL_MECHANISM: '',
  KAFKA_USERNAME: '',
  KAFKA_PASSWORD: '',
  KAFKA_PASSWORD_FILE: '',
};

interface Servers {
  readonly environment: Settings;
  readonly running: readonly (LocalKafka | LocalClickHouse)[];
}

const startServers = async (ports: StackPorts, reporter: Reporter): Promise<Servers> => {
  const brokers = process.env['KAFKA_BROKERS'];
  const url = process.env['CLICKHOUSE_URL'];
  if (!brokers || !url)
    reporter.step(
      `Starting ${[!brokers && 'Kafka', !url && 'ClickHouse'].filter(Boolean).join(' and ')}`,
    );
  const onProgress = (line: string): void => {
    if (line.startsWith('Fetching')) reporter.step(line);
  };
  const started = await Promise.allSettled([
    brokers
      ? Promise.resolve(null)
      : startKafka({ dataDir: join(local, 'data/kafka'), port: ports.kafka, onProgress }),
    url
      ? Promise.resolve(null)
      : startClickHouse({
          dataDir: join(local, 'data/clickhouse'),
          port: ports.clickHouse,
          onProgress,
        }),
  ] as const);
  const [kafka, clickHouse] = started;
  const running = started.flatMap((result) =>
    result.status === 'fulfilled' && result.value ? [result.value] : [],
  );
  const failed = started.find((result) => result.status === 'rejected');
  if (failed) {
    await Promise.all(running.map((server) => server.stop()));
    throw failed.reason;
  }
  reporter.done();
  return {
    running,
    environment: {
      KAFKA_BROKERS:
        brokers ?? (kafka.status === 'fulfilled' ? (kafka.value?.brokers.join(',') ?? '') : ''),
      ...(url
        ? { CLICKHOUSE_URL: url }
        : clickHouse.status === 'fulfilled' && clickHouse.value?.environment),
      // What is set for another server is not for the local one.
      ...(brokers ? {} : NO_KAFKA_SECURITY),
      ...(url ? {} : { CLICKHOUSE_PASSWORD_FILE: '', CLICKHOUSE_CA_FILE: '' }),
    },
  };
};

const prepare = async (config: StackConfig, reporter: Reporter): Promise<void> => {
  reporter.step('Bringing tables and topics up to date');
  reporter.done(preparedText(await prepareServers(config)));
};

/** The setting by which each service is told its port. */
const portOf = (name: string, ports: StackPorts): Readonly<Record<string, string>> => {
  switch (name) {
    case 'aggregator':
      return { HEALTH_PORT: String(ports.aggregatorHealth) };
    case 'bridge':
      return { HEALTH_PORT: String(ports.bridgeHealth) };
    case 'providers':
      return { HEALTH_PORT: String(ports.providers) };
    case 'usage-api':
      return { USAGE_API_PORT: String(ports.usageApi) };
    case 'commerce':
      return { COMMERCE_PORT: String(ports.commerce) };
    default:
      throw new Error(`no port is known for ${name}`);
  }
};

interface Assembled {
  readonly config: StackConfig;
  readonly parts: StackParts;
  readonly environment: Settings;
  readonly ports: StackPorts;
  readonly servers: readonly (LocalKafka | LocalClickHouse)[];
  /** Ends the servers. */
  readonly close: () => Promise<void>;
  readonly reporter: Reporter;
}

const assemble = ({
  config,
  parts,
  environment,
  ports,
  servers,
  close: closeServers,
  reporter,
}: Assembled): Stack => {
  const supervisor = new Supervisor({
    logDirectory: join(local, 'logs'),
    onEvent: (line) => reporter.note(line),
  });
  let closing = false;
  const broken = Promise.race(
    servers.map(async (server): Promise<never> => {
      await server.exited;
      if (closing) return new Promise<never>(() => undefined);
      throw await server.explainEnd();
    }),
  );
  broken.catch(() => undefined); // whoever awaits it gets the error
  return {
    config,
    parts,
    supervisor,
    usageApiCa: environment['USAGE_API_CA_FILE'] ?? null,
    broken,
    startService: (name, more = {}) =>
      supervisor.start({
        name,
        main: mainOf(name),
        environment: { ...environment, ...portOf(name, ports), ...more },
      }),
    close: async () => {
      closing = true;
      await supervisor.stop();
      await closeServers();
    },
  };
};
