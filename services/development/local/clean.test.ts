import { spawnSync } from 'node:child_process';
import { mkdir, mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { inRepository } from '../../shared/process/repository.ts';

let local: string;
beforeEach(async () => {
  local = await mkdtemp(join(tmpdir(), 'usage-clean-'));
  await mkdir(join(local, 'data/commerce'), { recursive: true });
  await mkdir(join(local, 'logs'));
});
afterEach(() => rm(local, { recursive: true }));

const clean = (...args: string[]) =>
  spawnSync(process.execPath, [inRepository('services/development/local/clean.mjs'), ...args], {
    encoding: 'utf8',
    env: { ...process.env, USAGE_LOCAL_DIR: local },
  });

const stackOf = async (files: Readonly<Record<string, string>>): Promise<void> => {
  for (const [name, text] of Object.entries(files)) await writeFile(join(local, name), text);
};

test('the control keys of topics on other servers survive a clean', async () => {
  await stackOf({
    'control-keys': 'local:ab',
    'stack.env': 'KAFKA_BROKERS=kafka.example:9092\n',
    netrc: '',
  });
  const { status, stdout } = clean();
  expect(status).toBe(0);
  expect(stdout).toContain(`remove ${join(local, 'control-keys')} yourself`);
  expect(await readdir(local)).toEqual(['control-keys']);
  expect(await readFile(join(local, 'control-keys'), 'utf8')).toBe('local:ab');
});

test('nothing is removed under a stack that runs, whoever owns its servers', async () => {
  await stackOf({ 'stack.env': '', pid: `${String(process.pid)} 1\n` });
  const { status, stderr } = clean();
  expect(status).toBe(1);
  expect(stderr).toContain(`process ${String(process.pid)}): stop "npm start" first`);
  expect((await readdir(local)).sort()).toEqual(['data', 'logs', 'pid', 'stack.env']);
});

test('a directory that holds no stack is left alone', async () => {
  const { status, stdout } = clean();
  expect(status).toBe(0);
  expect(stdout).toContain('nothing was removed');
  expect((await readdir(local)).sort()).toEqual(['data', 'logs']);
});

test('an argument is refused before anything is removed', async () => {
  await stackOf({ 'stack.env': '' });
  expect(clean('--everything').status).toBe(1);
  expect(await readdir(local)).toContain('data');
});
