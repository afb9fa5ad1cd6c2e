import { spawnSync } from 'node:child_process';
import { mkdir, mkdtemp, readdir, rm, symlink, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { explainFileError, makeDirectory, temporaryDirectory } from './directory.ts';
import { UserError } from './errors.ts';

let directory: string;
beforeEach(async () => (directory = await mkdtemp(join(tmpdir(), 'directory-'))));
afterEach(() => rm(directory, { recursive: true }));

/** What it says of a directory: one line, for a person. */
const said = async (path: string, setting?: string): Promise<string> => {
  const error: unknown = await makeDirectory('X', path, setting).catch((thrown: unknown) => thrown);
  expect(error).toBeInstanceOf(UserError);
  expect((error as UserError).message).not.toContain('\n');
  return (error as UserError).message;
};

test('a directory is made with its parents, also by two at the same time, and may be there', async () => {
  const path = join(directory, 'a/b/c');
  await Promise.all([makeDirectory('X', path), makeDirectory('X', path)]);
  await makeDirectory('X', path);
  expect(await readdir(path)).toEqual([]);
});

test('a file in its place or in its path, and a link to nothing, are explained', async () => {
  const file = join(directory, 'file');
  await writeFile(file, '');
  expect(await said(file, 'USAGE_LOCAL_DIR')).toBe(
    `X cannot use the directory ${file}, it is a file: choose another directory with USAGE_LOCAL_DIR.`,
  );
  expect(await said(join(file, 'a/b'))).toMatch(/a part of its path is a file: choose another dir/);
  const link = join(directory, 'link');
  await symlink('nowhere/at/all', link);
  expect(await said(link)).toMatch(/nothing can be created there \(ENOENT\): choose another/);
});

test('a file system that takes no directory is not "no such file or directory"', async () => {
  expect(await said('/proc/usage/data')).toMatch(/nothing can be created there \(ENOENT\)/);
});

/** Only root can mount, and only where it is allowed to: elsewhere there is nothing to see. */
const mounts = (...options: readonly string[]): boolean =>
  process.platform === 'linux' &&
  process.getuid?.() === 0 &&
  spawnSync('mount', [...options, directory]).status === 0;

test('on a read-only file system nothing is made, and it is said to be one', async () => {
  const inside = join(directory, 'there');
  await mkdir(inside);
  if (!mounts('--bind', directory)) return;
  try {
    if (!mounts('-o', 'remount,bind,ro')) return;
    for (const path of [inside, join(directory, 'a/b')]) {
      expect(await said(path, 'COMMERCE_DATA_DIR')).toBe(
        `X cannot use the directory ${path}, it is on a read-only file system: choose another directory with COMMERCE_DATA_DIR.`,
      );
    }
  } finally {
    spawnSync('umount', [directory]);
  }
});

test('a place for temporary files is made, or it is said how to choose another one', async () => {
  const made = await temporaryDirectory('X', 'x-', directory);
  expect(made.startsWith(join(directory, 'x-'))).toBe(true);
  await expect(temporaryDirectory('X', 'x-', '/proc/usage')).rejects.toThrow(
    /^X cannot use the directory \/proc\/usage, .*: choose another directory with TMPDIR\.$/,
  );
});

test.each([
  ['EACCES', /it is not writable: correct its permissions/],
  ['EROFS', /read-only file system: choose another/],
  ['ENOSPC', /the disk is full: make room/],
  ['EDQUOT', /quota is used up: make room/],
])('%s is explained in one line', (code, expected) => {
  const explained = explainFileError('X', '/d', Object.assign(new Error('x'), { code }));
  expect(explained).toBeInstanceOf(UserError);
  expect((explained as UserError).message).toMatch(expected);
});

test('any other error stays what it is', () => {
  const error = new Error('x');
  expect(explainFileError('X', '/d', error)).toBe(error);
});
