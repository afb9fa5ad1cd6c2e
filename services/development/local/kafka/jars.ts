import { createHash } from 'node:crypto';
import { existsSync } from 'node:fs';
import { readFile, readdir, rename, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { explainFileError, makeDirectory } from '../../../shared/process/directory.ts';
import { UserError } from '../../../shared/process/errors.ts';
import { runCommand } from '../child-process.ts';
import { withLock } from '../../../shared/process/lock.ts';
import { lastLines } from '../log-tail.ts';

const WAYS_OUT = 'or set KAFKA_BROKERS to use an existing broker.';

/** The cache entry of a pom: its Kafka version, and a digest so that any change is fetched. */
export const cacheName = (pom: string): string => {
  const version = /<kafka\.version>([^<]+)</.exec(pom)?.[1] ?? 'unknown';
  return `kafka-${version}-${createHash('sha256').update(pom).digest('hex').slice(0, 8)}`;
};

const explainMaven = (output: string): UserError => {
  const why = output.includes('No space left on device')
    ? 'the disk is full: make room'
    : 'check the network and the settings of Maven';
  return new UserError(`Maven could not fetch Kafka, ${why}, ${WAYS_OUT}\n${lastLines(output, 5)}`);
};

/** Fetches next to the target and renames, so that a target is always complete. */
const fetchJars = async (pomPath: string, target: string): Promise<void> => {
  const partial = `${target}.partial-${String(process.pid)}`;
  try {
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
    if (result.code !== 0 || !existsSync(partial)) throw explainMaven(result.output);
    await rename(partial, target);
  } finally {
    await rm(partial, { recursive: true, force: true });
  }
};

export interface Jars {
  readonly directory: string;
  /** All of them, for `java -cp`. */
  readonly classPath: string;
}

/**
 * The broker's jars, fetched by Maven the first time (about 43 MB) and found in the cache after
 * that.
 * @throws UserError that says what to do
 */
export const provideJars = async (
  pomPath: string,
  cacheDir: string,
  onProgress: (line: string) => void,
): Promise<Jars> => {
  const target = join(cacheDir, cacheName(await readFile(pomPath, 'utf8')));
  const isCached = (): boolean => existsSync(target);
  if (!isCached()) {
    await makeDirectory('The cache of Kafka', cacheDir);
    try {
      // One at a time, also among processes: Maven's own repository does not take two writers.
      await withLock(`${target}.lock`, async () => {
        if (isCached()) return;
        onProgress('Fetching Kafka with Maven (43 MB, once)');
        await fetchJars(pomPath, target);
      });
    } catch (error) {
      throw explainFileError('The cache of Kafka', cacheDir, error);
    }
  }
  const jars = (await readdir(target)).filter((name) => name.endsWith('.jar')).sort();
  return { directory: target, classPath: jars.map((name) => join(target, name)).join(':') };
};
