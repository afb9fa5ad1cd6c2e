import { mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { explainOutput, openLog, prepareDirectory } from './data-directory.ts';

let directory: string;
beforeEach(async () => (directory = await mkdtemp(join(tmpdir(), 'data-directory-'))));
afterEach(() => rm(directory, { recursive: true }));

test('a directory is made, with its parents, and left empty', async () => {
  const path = join(directory, 'a/b');
  await prepareDirectory('X', path);
  expect(await readdir(path)).toEqual([]);
});

test('a file in its place, or in its path, is explained', async () => {
  const file = join(directory, 'file');
  await writeFile(file, '');
  await expect(prepareDirectory('X', file)).rejects.toThrow(
    `X cannot use the directory ${file}, it is a file: choose another directory.`,
  );
  await expect(prepareDirectory('X', join(file, 'a'))).rejects.toThrow(
    /a part of its path is a file: choose another directory\.$/,
  );
});

test.each([
  ['java.io.IOException: No space left on device', /the disk is full: make room/],
  [
    'KafkaException: Failed to acquire lock on file .lock',
    /another process uses it: stop that one/,
  ],
  [
    'Code: 76. DB::Exception: Another server instance in same directory is already running.',
    /another/,
  ],
  ['java.io.FileNotFoundException: /d/x (Permission denied)', /correct its permissions/],
  ['java.nio.file.AccessDeniedException: /d/x', /correct its permissions/],
  ['filesystem error: Read-only file system', /read-only/],
])('the output %p is explained in one line', async (output, expected) => {
  const message = (await explainOutput('X', directory, output))?.message ?? '';
  expect(message).toMatch(expected);
  expect(message).not.toContain('\n');
});

test('other output says nothing', async () => {
  expect(await explainOutput('X', directory, 'INFO fine')).toBeNull();
});

test('a fresh log keeps the one before', async () => {
  const path = join(directory, 'a.log');
  for (const text of ['one', 'two', 'three']) {
    const log = await openLog(path);
    await log.write(text);
    await log.close();
  }
  expect(await readFile(path, 'utf8')).toBe('three');
  expect(await readFile(`${path}.previous`, 'utf8')).toBe('two');
});
