import { mkdir, mkdtemp, readdir, readFile, rename, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { withLock } from '../../../shared/process/lock.ts';
import { cacheName, provideJars } from './jars.ts';
import { POM } from './jvm.ts';

const NO_MAVEN_POM = '<project><kafka.version>4.1.1</kafka.version></project>';

let directory: string;
let pom: string;
let cache: string;

beforeEach(async () => {
  directory = await mkdtemp(join(tmpdir(), 'jars-'));
  pom = join(directory, 'pom.xml');
  cache = join(directory, 'cache');
  await writeFile(pom, NO_MAVEN_POM);
  await mkdir(cache);
});
afterEach(() => rm(directory, { recursive: true }));

test('the cache entry names the Kafka version and changes with any byte of the pom', async () => {
  const text = await readFile(POM, 'utf8');
  expect(cacheName(text)).toMatch(/^kafka-4\.1\.\d+-[0-9a-f]{8}$/);
  expect(cacheName(text)).toBe(cacheName(text));
  expect(cacheName(`${text}\n`)).not.toBe(cacheName(text));
});

test('jars in the cache are taken from there, and only jars', async () => {
  const entry = join(cache, cacheName(NO_MAVEN_POM));
  await mkdir(entry);
  for (const name of ['b.jar', 'a.jar', 'classes.jsa']) await writeFile(join(entry, name), '');
  expect(await provideJars(pom, cache, () => undefined)).toEqual({
    directory: entry,
    classPath: `${entry}/a.jar:${entry}/b.jar`,
  });
});

test('who waits for another that fetches takes what that one fetched', async () => {
  const entry = join(cache, cacheName(NO_MAVEN_POM));
  const waiting = withLock(`${entry}.lock`, async () => {
    const jars = provideJars(pom, cache, () => undefined);
    // As a fetch does: an entry is complete as soon as it is there.
    const partial = `${entry}.partial`;
    await mkdir(partial);
    await writeFile(join(partial, 'a.jar'), '');
    await rename(partial, entry);
    return { jars };
  });
  expect((await (await waiting).jars).classPath).toBe(`${entry}/a.jar`);
});

test('a failed fetch says what to do and leaves nothing', async () => {
  // The pom is none, so that Maven fails at once, where there is one.
  await expect(provideJars(pom, cache, () => undefined)).rejects.toThrow(
    /Maven.*, or set KAFKA_BROKERS to use an existing broker\./,
  );
  expect(await readdir(cache)).toEqual([]);
});

test('a cache below a file is explained', async () => {
  await expect(provideJars(pom, join(pom, 'cache'), () => undefined)).rejects.toThrow(
    /^The cache of Kafka cannot use the directory .*, a part of its path is a file/,
  );
});
