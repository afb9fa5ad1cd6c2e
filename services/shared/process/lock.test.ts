import { spawnSync } from 'node:child_process';
import { mkdtemp, readdir, rm, symlink } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { withLock } from './lock.ts';

let directory: string;
beforeEach(async () => (directory = await mkdtemp(join(tmpdir(), 'lock-'))));
afterEach(() => rm(directory, { recursive: true }));

test('work under the same lock is done one after another, and leaves nothing', async () => {
  const path = join(directory, 'lock');
  let inside = 0;
  const work = async (id: number): Promise<number> => {
    inside += 1;
    expect(inside).toBe(1);
    expect(await readdir(directory)).toEqual(['lock']);
    inside -= 1;
    return id;
  };
  const ids = await Promise.all([1, 2, 3].map((id) => withLock(path, () => work(id))));
  expect(ids).toEqual([1, 2, 3]);
  expect(await readdir(directory)).toEqual([]);
});

test('work that fails gives the lock back', async () => {
  const path = join(directory, 'lock');
  await expect(withLock(path, () => Promise.reject(new Error('x')))).rejects.toThrow('x');
  expect(await withLock(path, () => Promise.resolve(1))).toBe(1);
});

test('the lock of a process that has died counts for nothing', async () => {
  const path = join(directory, 'lock');
  await symlink(String(spawnSync('true').pid), path);
  expect(await withLock(path, () => Promise.resolve(1))).toBe(1);
});

test('lock-of-the-same-number: a process in a container has the number of the one that was killed before it, and takes its lock', async () => {
  const path = join(directory, 'lock');
  await symlink(String(process.pid), path);
  expect(await withLock(path, () => Promise.resolve(1), -1)).toBe(1);
  expect(await readdir(directory)).toEqual([]);
});

test('a lock that this process holds under another spelling of its path is held', async () => {
  await withLock(join(directory, 'lock'), async () => {
    const other = `${directory}/./lock`;
    await expect(withLock(other, () => Promise.resolve(1), -1)).rejects.toThrow('holds');
  });
});

test('a place where no lock can be is an error', async () => {
  const path = join(directory, 'nowhere/lock');
  await expect(withLock(path, () => Promise.resolve(1))).rejects.toThrow('ENOENT');
});

test('without patience a lock that is held is refused at once, and that of a dead process is not', async () => {
  const path = join(directory, 'lock');
  const { pid } = spawnSync(process.execPath, ['-e', '']);
  await symlink(String(pid), path);
  await withLock(
    path,
    async () => {
      await expect(withLock(path, () => Promise.resolve(1), -1)).rejects.toThrow(
        `Process ${String(process.pid)} holds`,
      );
    },
    -1,
  );
});
