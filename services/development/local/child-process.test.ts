import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { exitOf, runCommand, serverProcess, signalProcess, stopProcess } from './child-process.ts';
import { isAlive } from '../../shared/process/is-alive.ts';

/** A Node process that has said it is up. */
const started = async (script: string) => {
  const child = spawn(process.execPath, ['-e', `${script}; console.log('up')`], {
    stdio: ['ignore', 'pipe', 'ignore'],
  });
  const exited = exitOf(child);
  await once(child.stdout, 'data');
  return { pid: child.pid ?? -1, exited };
};

const FOREVER = 'setInterval(() => {}, 1000)';
const STUBBORN = `process.on('SIGTERM', () => {}); ${FOREVER}`;

test('a command gives its output, of both kinds, and its code', async () => {
  const result = await runCommand('sh', ['-c', 'echo out; echo err >&2; exit 3']);
  expect(result).toMatchObject({ missing: false, code: 3 });
  expect(result.output.split('\n').sort()).toEqual(['', 'err', 'out']);
});

test('of a long output the end is kept', async () => {
  const { output } = await runCommand('sh', ['-c', 'yes x | head -n 100000; echo end']);
  expect(output).toHaveLength(64 * 1024);
  expect(output.endsWith('x\nend\n')).toBe(true);
});

test('a command that is not there is missing', async () => {
  expect(await runCommand('/nowhere/command', [])).toMatchObject({ missing: true, code: null });
});

test('a process that could not be started has ended', async () => {
  expect(await exitOf(spawn('/nowhere/command'))).toEqual({ code: null, signal: null });
});

test('a process is stopped by asking', async () => {
  const { pid, exited } = await started(FOREVER);
  expect(isAlive(pid)).toBe(true);
  await stopProcess(pid, exited, 60_000);
  expect(await exited).toEqual({ code: null, signal: 'SIGTERM' });
  expect(isAlive(pid)).toBe(false);
});

test('a process that does not listen is killed', async () => {
  const { pid, exited } = await started(STUBBORN);
  await stopProcess(pid, exited, 50);
  expect(await exited).toEqual({ code: null, signal: 'SIGKILL' });
});

test('a signal to a process that is gone is no error', async () => {
  const { pid, exited } = await started('');
  await exited;
  expect(() => signalProcess(pid, 'SIGTERM')).not.toThrow();
});

test('a server that has ended is not signalled again: its number may be another’s', async () => {
  const bystander = await started(FOREVER);
  const server = serverProcess(bystander.pid, Promise.resolve({ code: 0, signal: null }));
  await server.exited;
  await server.stop();
  await server.kill();
  expect(isAlive(bystander.pid)).toBe(true);
  signalProcess(bystander.pid, 'SIGKILL');
  expect(await bystander.exited).toEqual({ code: null, signal: 'SIGKILL' });
});
