import { spawn, type ChildProcess } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { existsSync } from 'node:fs';
import { rename, rm, writeFile } from 'node:fs/promises';
import { join, resolve } from 'node:path';
import { fileURLToPath } from 'node:url';
import { UserError } from '../../shared/errors.ts';
import {
  claimPort,
  delay,
  exitOf,
  explainFileError,
  freePort,
  isAlive,
  openLog,
  prepareDirectory,
  runCommand,
  signalProcess,
  stopProcess,
  type ProcessExit,
} from '../child-process.ts';
import { lastLines, readTail } from '../log-tail.ts';
import { removePid, userOf, writePid } from '../pid-file.ts';
import { explainBrokerFailure } from './broker-failure.ts';
import { brokerReady } from './broker-ready.ts';
import { classArchive } from './class-archive.ts';
import { provideJars } from './jars.ts';
import { findJava, type Java } from './java.ts';
import { brokerProperties, formatProperties } from './server-properties.ts';

export interface KafkaOptions {
  readonly dataDir: string;
  /** 0, the default, takes a free port. */
  readonly port?: number;
  /** Where the broker's jars are kept, for any number of brokers. */
  readonly cacheDir?: string;
  /** Broker settings that replace or add to those of `server-properties.ts`. */
  readonly overrides?: Readonly<Record<string, string>>;
  readonly onProgress?: (line: string) => void;
}

export interface LocalKafka {
  readonly brokers: string[];
  readonly port: number;
  /** Of the Java process. */
  readonly pid: number;
  /** Ends the broker in good order; kills it if that takes over 20 seconds. */
  stop(): Promise<void>;
  /** SIGKILL; resolves when the process is gone. */
  kill(): Promise<void>;
  readonly exited: Promise<ProcessExit>;
}

const STOP_GRACE_MILLIS = 20_000;

const repository = fileURLToPath(new URL('../../../', import.meta.url));
const deployed = (file: string): string => join(repository, 'deploy/kafka', file);
const guardian = fileURLToPath(new URL('./guardian.sh', import.meta.url));

/**
 * Measured on two cores with Java 17: 1.5 s to listen, 2.1 s with the JVM's defaults; the full
 * compiler gains nothing for one broker on loopback.
 */
const JVM_FLAGS = [
  '-Xms64m',
  '-Xmx320m',
  '-XX:+UseSerialGC',
  '-XX:TieredStopAtLevel=1',
  '-XX:+ExitOnOutOfMemoryError',
  '-Djava.awt.headless=true',
  `-Dlog4j2.configurationFile=${deployed('log4j2.properties')}`,
];

/** As Kafka's `Uuid.randomUuid`: URL-safe Base64 that does not look like an option. */
const clusterId = (): string => {
  for (;;) {
    const id = randomBytes(16).toString('base64url');
    if (!id.startsWith('-')) return id;
  }
};

/** Formats beside the final place and renames, so that an interrupted format is not taken for one. */
const formatStorage = async (java: Java, classPath: string, dataDir: string): Promise<void> => {
  const logDir = join(dataDir, 'log');
  if (existsSync(logDir)) return;
  const fresh = join(dataDir, 'log.formatting');
  const propertiesPath = join(dataDir, 'format.properties');
  await rm(fresh, { recursive: true, force: true });
  const place = { port: 1, controllerPort: 2, logDir: fresh };
  await writeFile(propertiesPath, formatProperties(brokerProperties(place, {})));
  const result = await runCommand(java.command, [
    ...JVM_FLAGS,
    '-cp',
    classPath,
    'kafka.tools.StorageTool',
    'format',
    '-t',
    clusterId(),
    '-c',
    propertiesPath,
  ]);
  if (result.code !== 0) {
    throw new UserError(`Kafka could not format ${logDir}:\n${lastLines(result.output, 5)}`);
  }
  await rename(fresh, logDir);
  await rm(propertiesPath);
};

const readPid = (child: ChildProcess): Promise<number | null> =>
  new Promise((resolvePid) => {
    let text = '';
    child.stdout?.on('data', (chunk: Buffer) => {
      text += chunk.toString('utf8');
      if (text.includes('\n')) resolvePid(Number.parseInt(text, 10));
    });
    child.stdout?.once('close', () => resolvePid(null));
  });

/** The guardian's exit code is the JVM's, or 128 + a signal's number. */
const asJvmExit = (exit: ProcessExit): ProcessExit =>
  exit.code === 137
    ? { code: null, signal: 'SIGKILL' }
    : exit.code === 143
      ? { code: null, signal: 'SIGTERM' }
      : exit;

const runBroker = async (
  java: Java,
  jars: { readonly directory: string; readonly classPath: string },
  dataDir: string,
  port: number,
  overrides: Readonly<Record<string, string>>,
): Promise<LocalKafka> => {
  const place = { port, controllerPort: await freePort(), logDir: join(dataDir, 'log') };
  const propertiesPath = join(dataDir, 'server.properties');
  await writeFile(propertiesPath, formatProperties(brokerProperties(place, overrides)));
  const archive = classArchive(jars.directory, java.version);
  const logPath = join(dataDir, 'kafka.log');
  const log = await openLog(logPath);
  const command = [java.command, ...JVM_FLAGS, ...archive.flags, '-cp', jars.classPath];
  // Its own process group: Ctrl-C in a terminal reaches the parent, which stops things in order.
  const child = spawn('sh', [guardian, ...command, 'kafka.Kafka', propertiesPath], {
    stdio: ['pipe', 'pipe', 'ignore', log.fd],
    detached: true,
  });
  const guardianExit = exitOf(child);
  const pid = await readPid(child);
  await log.close();
  if (pid === null) throw new UserError('Kafka could not start: "sh" was not found.');
  await writePid(dataDir, pid);

  let ended = false;
  const exited = guardianExit.then(async (exit) => {
    // If someone killed the guardian, the broker still runs: the rule is that they end together.
    while (isAlive(pid)) {
      signalProcess(pid, 'SIGKILL');
      await delay(10);
    }
    ended = true;
    const jvmExit = asJvmExit(exit);
    await archive.settle(jvmExit.signal === 'SIGTERM');
    await removePid(dataDir);
    return jvmExit;
  });

  if (!(await brokerReady(port, () => ended))) {
    await exited;
    throw explainBrokerFailure(await readTail(logPath), dataDir, port);
  }
  return {
    brokers: [`127.0.0.1:${String(port)}`],
    port,
    pid,
    stop: () => stopProcess(pid, exited, STOP_GRACE_MILLIS),
    kill: async () => {
      signalProcess(pid, 'SIGKILL');
      await exited;
    },
    exited,
  };
};

/**
 * Starts a real Apache Kafka broker on 127.0.0.1, with its data, its log (`kafka.log`) and its
 * settings in `dataDir`, and resolves when it answers. Starting again on the same directory goes on
 * with the same data. The broker ends when this process ends, however that happens.
 * @throws UserError that says what to do: Java or Maven missing, the port taken, the disk full, …
 */
export const startKafka = async (options: KafkaOptions): Promise<LocalKafka> => {
  const onProgress = options.onProgress ?? ((): void => undefined);
  const dataDir = resolve(options.dataDir);
  const cacheDir = resolve(options.cacheDir ?? join(repository, '.local/cache'));
  const java = await findJava(process.env);
  await prepareDirectory('Kafka', dataDir);
  const user = await userOf(dataDir);
  if (user !== null) {
    throw new UserError(
      `A Kafka broker, process ${String(user)}, already uses ${dataDir}: stop it, or choose another directory.`,
    );
  }
  const port = await claimPort('Kafka', options.port ?? 0, 'KAFKA_PORT');
  const jars = await provideJars(deployed('pom.xml'), cacheDir, onProgress);
  try {
    await formatStorage(java, jars.classPath, dataDir);
    onProgress('Starting Kafka');
    return await runBroker(java, jars, dataDir, port, options.overrides ?? {});
  } catch (error) {
    throw explainFileError('Kafka', dataDir, error);
  }
};
