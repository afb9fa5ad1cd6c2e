import { randomBytes } from 'node:crypto';
import { existsSync } from 'node:fs';
import { rename, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { UserError } from '../../../shared/process/errors.ts';
import { runCommand } from '../child-process.ts';
import { explainOutput } from '../data-directory.ts';
import { lastLines } from '../log-tail.ts';
import type { Java } from './java.ts';
import { JVM_FLAGS } from './jvm.ts';
import { brokerProperties, formatProperties } from './server-properties.ts';

/** As Kafka's `Uuid.randomUuid`: URL-safe Base64 that does not look like an option. */
const clusterId = (): string => {
  for (;;) {
    const id = randomBytes(16).toString('base64url');
    if (!id.startsWith('-')) return id;
  }
};

/** Where the broker keeps its records, below the data directory. */
export const logDirOf = (dataDir: string): string => join(dataDir, 'log');

/**
 * Creates the broker's log directory if there is none. KRaft requires it to be formatted. It is formatted
 * next to its place and renamed, so that an interrupted format is not taken for a complete one.
 */
export const formatStorage = async (
  java: Java,
  classPath: string,
  dataDir: string,
): Promise<void> => {
  const logDir = logDirOf(dataDir);
  if (existsSync(logDir)) return;
  const fresh = `${logDir}.formatting`;
  const propertiesPath = join(dataDir, 'format.properties');
  await rm(fresh, { recursive: true, force: true });
  // The tool wants complete settings, and uses none of the ports.
  const place = { port: 1, controllerPort: 2, logDir: fresh };
  await writeFile(propertiesPath, formatProperties(brokerProperties(place, {})));
  const { code, output } = await runCommand(java.command, [
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
  await rm(propertiesPath);
  if (code !== 0) {
    await rm(fresh, { recursive: true, force: true });
    throw (
      (await explainOutput('Kafka', dataDir, output)) ??
      new UserError(`Kafka could not format ${logDir}:\n${lastLines(output, 5)}`)
    );
  }
  await rename(fresh, logDir);
};
