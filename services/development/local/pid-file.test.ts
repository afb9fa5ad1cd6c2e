import { spawn, spawnSync, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { checkUnused, removePid, writePid } from './pid-file.ts';

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
  await expect(checkUnused('X', directory)).resolves.toBeUndefined();
});

test('a server that lives uses its directory', async () => {
  await writePid(directory, pidOf(server));
  await expect(checkUnused('X', directory)).rejects.toThrow(
    `X already runs in ${directory}, as process ${String(pidOf(server))}: stop it, or choose another directory.`,
  );
  await removePid(directory);
  await expect(checkUnused('X', directory)).resolves.toBeUndefined();
});

test('a server that has ended uses nothing', async () => {
  await writePid(directory, pidOf(server));
  server.kill('SIGKILL');
  await once(server, 'exit');
  await expect(checkUnused('X', directory)).resolves.toBeUndefined();
});

test('a number that belongs to another process now uses nothing', async () => {
  await writePid(directory, process.pid);
  await expect(checkUnused('X', directory)).resolves.toBeUndefined();
});

test('the end of a server whose parent has gone is awaited', async () => {
  await writePid(directory, pidOf(server));
  const parent = spawnSync('true').pid;
  const text = await readFile(join(directory, 'pid'), 'utf8');
  await writeFile(join(directory, 'pid'), text.replace(/ \d+/, ` ${String(parent)}`));
  const unused = checkUnused('X', directory);
  server.kill('SIGKILL');
  await expect(unused).resolves.toBeUndefined();
});

test.each(['', 'nonsense', '-1 2', '0 0'])('a file with %p names nobody', async (text) => {
  await writeFile(join(directory, 'pid'), text);
  await expect(checkUnused('X', directory)).resolves.toBeUndefined();
});
