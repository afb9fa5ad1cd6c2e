import { rename, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { migrate } from '../shared/clickhouse/migrations.ts';
import {
  clickHouseSettings,
  controlKeySettings,
  hourSettings,
  kafkaSettings,
  parseEnvironment,
} from '../shared/config.ts';
import { provision } from '../shared/sources/provision.ts';
import { readProviders } from '../shared/sources/providers.ts';
import { withSourceTools } from '../shared/sources/source-tools.ts';
import { localDirectory } from '../shared/local-directory.ts';
import { prepareDirectory } from './data-directory.ts';
import { localControlKeys } from './control-keys.ts';
import type { Reporter } from './reporter.ts';
import { startClickHouse, type LocalClickHouse } from './clickhouse/start-clickhouse.ts';
import { startKafka, type LocalKafka } from './kafka/start-kafka.ts';
import { Supervisor } from './supervisor.ts';

const local = localDirectory();

const stackSettings = {
  ...kafkaSettings,
  ...clickHouseSettings,
  ...controlKeySettings,
  ...hourSettings,
};

export type StackConfig = ReturnType<typeof parseEnvironment<typeof stackSettings>>;

/** Everything that runs on this machine: servers, database, topics and services. */
export interface Stack {
  readonly config: StackConfig;
  readonly supervisor: Supervisor;
  /** Starts one of the repository's services and waits until it is ready. */
  startService(name: string, environment?: Readonly<Record<string, string>>): Promise<void>;
  /** Rejects when a server that all of it needs has ended. */
  readonly broken: Promise<never>;
  close(): Promise<void>;
}

export interface Ports {
  readonly KAFKA_PORT: number;
  readonly CLICKHOUSE_PORT: number;
}

/**
 * Starts Kafka and ClickHouse, where the environment does not name others, and brings database and
 * topics up to date. What it uses is left in `.local/stack.env` for `usagectl`.
 * @throws UserError where something cannot be had; what was started before is stopped again.
 */
export const openStack = async (ports: Ports, reporter: Reporter): Promise<Stack> => {
  await prepareDirectory('The local stack', local);
  const servers = await startServers(ports, reporter);
  const close = async (): Promise<void> => {
    await Promise.all(servers.running.map((server) => server.stop()));
  };
  try {
    const environment = {
      ...servers.environment,
      USAGE_CONTROL_KEYS:
        process.env['USAGE_CONTROL_KEYS'] ?? (await localControlKeys(join(local, 'control-keys'))),
    };
    const config = parseEnvironment(stackSettings, { ...process.env, ...environment });
    await prepare(config, reporter);
    await writeStackEnvironment(environment);
    await writeNetrc(servers.environment);
    return assemble(config, environment, servers.running, close, reporter);
  } catch (error) {
    await close();
    throw error;
  }
};

type Settings = Readonly<Record<string, string>>;

interface Servers {
  readonly environment: Settings;
  readonly running: readonly (LocalKafka | LocalClickHouse)[];
}

const startServers = async (ports: Ports, reporter: Reporter): Promise<Servers> => {
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
      : startKafka({ dataDir: join(local, 'data/kafka'), port: ports.KAFKA_PORT, onProgress }),
    url
      ? Promise.resolve(null)
      : startClickHouse({
          dataDir: join(local, 'data/clickhouse'),
          port: ports.CLICKHOUSE_PORT,
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
    },
  };
};

const prepare = async (config: StackConfig, reporter: Reporter): Promise<void> => {
  reporter.step('Bringing tables and topics up to date');
  const { applied } = await migrate(config);
  const { opened, sources } = await withSourceTools(config, (tools) =>
    provision(tools, config, readProviders()),
  );
  reporter.done(
    applied.length + opened.length === 0
      ? `nothing to do, ${String(sources.length)} sources`
      : `${String(applied.length)} migrations, ${String(opened.length)} new live sources`,
  );
};

/** A file that its owner alone can read, also where it was there before with other permissions. */
const writePrivate = async (name: string, text: string): Promise<void> => {
  const path = join(local, name);
  await writeFile(`${path}.new`, text, { mode: 0o600 });
  await rename(`${path}.new`, path);
};

const writeStackEnvironment = (environment: Readonly<Record<string, string>>): Promise<void> =>
  writePrivate(
    'stack.env',
    Object.entries(environment)
      .map(([name, value]) => `${name}=${value}\n`)
      .join(''),
  );

/** For `curl --netrc-file`: the login of ClickHouse, which no command line shows then. */
const writeNetrc = async ({ CLICKHOUSE_USER, CLICKHOUSE_PASSWORD }: Settings): Promise<void> => {
  if (!CLICKHOUSE_USER || !CLICKHOUSE_PASSWORD) return; // it runs elsewhere
  const login = `login ${CLICKHOUSE_USER} password ${CLICKHOUSE_PASSWORD}`;
  await writePrivate('netrc', `machine 127.0.0.1 ${login}\nmachine localhost ${login}\n`);
};

const assemble = (
  config: StackConfig,
  environment: Readonly<Record<string, string>>,
  servers: readonly (LocalKafka | LocalClickHouse)[],
  closeServers: () => Promise<void>,
  reporter: Reporter,
): Stack => {
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
  broken.catch(() => undefined); // whoever races it has the error
  return {
    config,
    supervisor,
    broken,
    startService: (name, more = {}) =>
      supervisor.start({
        name,
        main: `services/${name}/main.ts`,
        environment: { ...environment, ...more },
      }),
    close: async () => {
      closing = true;
      await supervisor.stop();
      await closeServers();
    },
  };
};
