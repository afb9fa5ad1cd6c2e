import { writeFile } from 'node:fs/promises';
import { join, resolve } from 'node:path';
import { UserError } from '../../../shared/process/errors.ts';
import { serverProcess, type ServerProcess } from '../child-process.ts';
import { claimDirectory } from '../claim-directory.ts';
import { checkUnused, removePid, writePid } from '../pid-file.ts';
import { checkPort, freePort } from '../port.ts';
import { explainBrokerFailure } from './broker-failure.ts';
import { spawnGuarded } from './broker-process.ts';
import { awaitBroker } from './broker-ready.ts';
import { classArchive } from './class-archive.ts';
import { provideJars, type Jars } from './jars.ts';
import { findJava, type Java } from './java.ts';
import { DEFAULT_CACHE, JVM_FLAGS, POM } from './jvm.ts';
import { brokerProperties, formatProperties } from './server-properties.ts';
import { formatStorage, logDirOf } from './storage.ts';

export interface KafkaOptions {
  readonly dataDir: string;
  /** 0, the default, chooses a free port. */
  readonly port?: number;
  /** Where the broker's jars are kept, for any number of brokers. */
  readonly cacheDir?: string;
  /** Broker settings that replace or add to those of `server-properties.ts`. */
  readonly overrides?: Readonly<Record<string, string>>;
  readonly onProgress?: (line: string) => void;
}

/** A running broker; `pid` is that of the Java process. */
export interface LocalKafka extends ServerProcess {
  readonly brokers: string[];
  readonly port: number;
  /** Once it has ended by itself: why, and what to do. */
  explainEnd(): Promise<UserError>;
}

const runBroker = async (
  java: Java,
  jars: Jars,
  dataDir: string,
  port: number,
  overrides: Readonly<Record<string, string>>,
): Promise<LocalKafka> => {
  const place = { port, controllerPort: await freePort(), logDir: logDirOf(dataDir) };
  const propertiesPath = join(dataDir, 'server.properties');
  await writeFile(propertiesPath, formatProperties(brokerProperties(place, overrides)));
  const archive = classArchive(jars.directory, java.version);
  const command = [java.command, ...JVM_FLAGS, ...archive.flags, '-cp', jars.classPath];
  const logPath = join(dataDir, 'kafka.log');
  const broker = await spawnGuarded([...command, 'kafka.Kafka', propertiesPath], logPath);
  await writePid(dataDir, broker.pid);

  let ended = false;
  const exited = broker.exited.then(async (exit) => {
    ended = true;
    await archive.settle(exit.signal === 'SIGTERM');
    await removePid(dataDir);
    return exit;
  });
  const explainEnd = (): Promise<UserError> => explainBrokerFailure(logPath, dataDir, port);
  const outcome = await awaitBroker(port, () => ended);
  if (outcome !== 'ready') {
    await broker.kill();
    await exited;
    throw outcome === 'ended'
      ? await explainEnd()
      : new UserError(`Kafka does not answer on port ${String(port)}: see ${logPath}.`);
  }
  const brokers = [`127.0.0.1:${String(port)}`];
  return { ...serverProcess(broker.pid, exited), brokers, port, explainEnd };
};

/**
 * Starts a real Apache Kafka broker on 127.0.0.1, with its data, its log (`kafka.log`) and its settings in
 * `dataDir`, and resolves when it answers. Starting again on the same directory continues with the same
 * data. The broker ends when this process ends, however that happens.
 * @throws UserError that says what to do: Java or Maven missing, the port taken, the disk full, …
 */
export const startKafka = async (options: KafkaOptions): Promise<LocalKafka> => {
  const { port = 0, overrides = {}, onProgress = () => undefined } = options;
  const dataDir = resolve(options.dataDir);
  if (dataDir.includes(',')) {
    throw new UserError(`Kafka cannot use the directory ${dataDir}: choose one without a comma.`);
  }
  const java = await findJava(process.env);
  await checkUnused('Kafka', dataDir);
  if (port !== 0) await checkPort('Kafka', port, 'KAFKA_PORT');
  const jars = await provideJars(POM, resolve(options.cacheDir ?? DEFAULT_CACHE), onProgress);
  return claimDirectory('Kafka', dataDir, async () => {
    await formatStorage(java, jars.classPath, dataDir);
    onProgress('Starting Kafka');
    return runBroker(java, jars, dataDir, port === 0 ? await freePort() : port, overrides);
  });
};
