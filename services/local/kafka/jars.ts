import { createHash } from 'node:crypto';
import { existsSync } from 'node:fs';
import { mkdir, open, readFile, readdir, rename, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { UserError } from '../../shared/errors.ts';
import { delay, explainFileError, isAlive, runCommand } from '../child-process.ts';
import { lastLines } from '../log-tail.ts';

const WAYS_OUT = 'or set KAFKA_BROKERS to use an existing broker.';

/** The cache entry of a pom: its Kafka version, and a digest so that any change is fetched. */
export const cacheName = (pom: string): string => {
  const version = /<kafka\.version>([^<]+)</.exec(pom)?.[1] ?? 'unknown';
  return `kafka-${version}-${createHash('sha256').update(pom).digest('hex').slice(0, 8)}`;
};

/** One fetch at a time, also among processes: Maven's own repository does not take two writers. */
const takeLock = async (path: string, done: () => boolean): Promise<boolean> => {
  while (!done()) {
    try {
      const file = await open(path, 'wx');
      await file.write(String(process.pid));
      await file.close();
      return true;
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code !== 'EEXIST') throw error;
    }
    const holder = Number.parseInt(await readFile(path, 'utf8').catch(() => ''), 10);
    if (holder > 0 && !isAlive(holder)) await rm(path, { force: true });
    else await delay(100);
  }
  return false;
};

const fetchJars = async (pomPath: string, target: string): Promise<void> => {
  const partial = `${target}.partial`;
  await rm(partial, { recursive: true, force: true });
  const result = await runCommand('mvn', [
    '-q',
    '-B',
    '-f',
    pomPath,
    'dependency:copy-dependencies',
    '-DincludeScope=runtime',
    `-DoutputDirectory=${partial}`,
  ]);
  if (result.missing) {
    throw new UserError(
      `The local Kafka is fetched with Maven and "mvn" was not found: install Maven, ${WAYS_OUT}`,
    );
  }
  if (result.code !== 0 || !existsSync(partial)) {
    const why = result.output.includes('No space left on device')
      ? 'the disk is full: make room'
      : 'check the network and the settings of Maven';
    throw new UserError(
      `Maven could not fetch Kafka, ${why}, ${WAYS_OUT}\n${lastLines(result.output, 5)}`,
    );
  }
  await rename(partial, target);
};

/**
 * The broker's jars, fetched by Maven the first time (about 43 MB) and found in the cache after
 * that. Returns their directory and a class path of them. Throws a UserError that says what to do.
 */
export const provideJars = async (
  pomPath: string,
  cacheDir: string,
  onProgress: (line: string) => void,
): Promise<{ readonly directory: string; readonly classPath: string }> => {
  const target = join(cacheDir, cacheName(await readFile(pomPath, 'utf8')));
  const present = (): boolean => existsSync(target);
  if (!present()) {
    const lock = `${target}.lock`;
    try {
      await mkdir(cacheDir, { recursive: true });
      if (await takeLock(lock, present)) {
        try {
          if (!present()) {
            onProgress('Fetching Kafka with Maven (43 MB, once)');
            await fetchJars(pomPath, target);
          }
        } finally {
          await rm(lock, { force: true });
        }
      }
    } catch (error) {
      throw explainFileError('The cache of Kafka', cacheDir, error);
    }
  }
  const jars = (await readdir(target)).filter((name) => name.endsWith('.jar')).sort();
  return { directory: target, classPath: jars.map((name) => join(target, name)).join(':') };
};
