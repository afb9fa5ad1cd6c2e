import { mkdtemp, readdir, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { claimDirectory } from './claim-directory.ts';

let directory: string;
beforeEach(async () => (directory = await mkdtemp(join(tmpdir(), 'claim-directory-'))));
afterEach(() => rm(directory, { recursive: true }));

test('a directory is made, and starts on it go one after another', async () => {
  const path = join(directory, 'a/b');
  let starting = 0;
  const start = async (id: number): Promise<number> => {
    starting += 1;
    expect(await readdir(path)).toEqual(['lock']);
    expect(starting).toBe(1);
    starting -= 1;
    return id;
  };
  const ids = await Promise.all([1, 2, 3].map((id) => claimDirectory('X', path, () => start(id))));
  expect(ids).toEqual([1, 2, 3]);
  expect(await readdir(path)).toEqual([]);
});

test('a start that meets a trouble with files says what to do', async () => {
  const full = Object.assign(new Error('x'), { code: 'ENOSPC' });
  await expect(claimDirectory('X', directory, () => Promise.reject(full))).rejects.toThrow(
    `X cannot use the directory ${directory}, the disk is full: make room, or choose another directory.`,
  );
});

test('in a file’s place nothing starts', async () => {
  const file = join(directory, 'file');
  await writeFile(file, '');
  const start = (): Promise<never> => Promise.reject(new Error('started'));
  await expect(claimDirectory('X', file, start)).rejects.toThrow('it is a file');
});
