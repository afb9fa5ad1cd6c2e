import { spawn, spawnSync, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { removePid, userOf, writePid } from './pid-file.ts';

let directory: string;
let server: ChildProcess;

/** A process that mentions the directory in its command line, until it is killed. */
beforeEach(async () => {
  directory = await mkdtemp(join(tmpdir(), 'pid-file-'));
  const script = "console.log('up'); setInterval(() => {}, 1000)";
  server = spawn(process.execPath, ['-e', script, directory], {
    stdio: ['ignore', 'pipe', 'ignore'],
  });
  await once(server.stdout ?? server, 'data');
});
afterEach(async () => {
  if (server.exitCode === null && server.signalCode === null) {
    server.kill('SIGKILL');
    await once(server, 'exit');
  }
  await rm(directory, { recursive: true });
});

const pidOf = (child: ChildProcess): number => child.pid ?? -1;

test('without a file nobody uses the directory', async () => {
  expect(await userOf(directory)).toBeNull();
});

test('a server that lives uses its directory', async () => {
  await writePid(directory, pidOf(server));
  expect(await userOf(directory)).toBe(pidOf(server));
  await removePid(directory);
  expect(await userOf(directory)).toBeNull();
});

test('a server that has ended uses nothing', async () => {
  await writePid(directory, pidOf(server));
  server.kill('SIGKILL');
  await once(server, 'exit');
  expect(await userOf(directory)).toBeNull();
});

test('a number that belongs to another process now uses nothing', async () => {
  await writePid(directory, process.pid);
  expect(await userOf(directory)).toBeNull();
});

test('the end of a server whose parent has gone is awaited', async () => {
  await writePid(directory, pidOf(server));
  const parent = spawnSync('true').pid;
  const text = await readFile(join(directory, 'pid'), 'utf8');
  await writeFile(join(directory, 'pid'), text.replace(/ \d+/, ` ${String(parent)}`));
  const user = userOf(directory);
  server.kill('SIGKILL');
  expect(await user).toBeNull();
});

test.each(['', 'nonsense', '-1 2', '0 0'])('a file with %p names nobody', async (text) => {
  await writeFile(join(directory, 'pid'), text);
  expect(await userOf(directory)).toBeNull();
});
