import { mkdtemp, readdir, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { classArchive } from './class-archive.ts';

let directory: string;
beforeEach(async () => (directory = await mkdtemp(join(tmpdir(), 'class-archive-'))));
afterEach(() => rm(directory, { recursive: true }));

/** What the JVM does at its end with `-XX:ArchiveClassesAtExit=<path>`. */
const write = async (flags: readonly string[]): Promise<void> => {
  const path = /^-XX:ArchiveClassesAtExit=(.*)/.exec(flags[0] ?? '')?.[1] ?? '';
  await writeFile(path, '');
};

test('an archive that was written in good order is used from then on', async () => {
  const first = classArchive(directory, '17.0.15+6');
  await write(first.flags);
  await first.settle(true);
  const path = join(directory, 'classes-17.0.15_6.jsa');
  expect(classArchive(directory, '17.0.15+6').flags).toEqual([`-XX:SharedArchiveFile=${path}`]);
});

test('one that may be torn is thrown away', async () => {
  const first = classArchive(directory, '17');
  await write(first.flags);
  await first.settle(false);
  expect(await readdir(directory)).toEqual([]);
});

test('a broker that wrote none leaves none', async () => {
  await classArchive(directory, '17').settle(true);
  expect(await readdir(directory)).toEqual([]);
});
