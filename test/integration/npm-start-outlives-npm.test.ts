import { spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { existsSync } from 'node:fs';
import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { connect } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { parseEnv } from 'node:util';
import { isAlive } from '../../services/shared/process/is-alive.ts';
import { waitFor } from '../support/wait-for.ts';

const SERVICES = ['aggregator', 'bridge', 'commerce', 'usage-api'];

let directory: string;
let environment: NodeJS.ProcessEnv;
beforeAll(async () => {
  directory = await mkdtemp(join(tmpdir(), 'usage-npm-start-'));
  // With servers of its own, whose end is what is looked at. None of what `npm` says of the test itself.
  const foreign = /^(npm_|KAFKA_|CLICKHOUSE_|NODE_OPTIONS$)/;
  const own = Object.entries(process.env).filter(([name]) => !foreign.test(name));
  environment = { ...Object.fromEntries(own), USAGE_LOCAL_DIR: directory, PORT_BASE: '0' };
});
afterAll(async () => {
  await rm(directory, { recursive: true });
});

const inDirectory = (name: string): string => join(directory, name);

interface Started {
  /** npm, or the shell around it. */
  readonly process: ChildProcess;
  readonly ended: Promise<readonly [code: number | null, signal: string | null]>;
  printed(): string;
}

const run = (command: string, args: readonly string[]): Started => {
  const child = spawn(command, args, { stdio: ['ignore', 'pipe', 'pipe'], env: environment });
  let printed = '';
  for (const stream of [child.stdout, child.stderr]) {
    stream.on('data', (chunk: Buffer) => (printed += chunk.toString('utf8')));
  }
  const ended = once(child, 'close') as Promise<[number | null, string | null]>;
  return { process: child, ended, printed: () => printed };
};

/** `npm start`, once the stack is up. */
const start = async (): Promise<Started> => {
  const npm = run('npm', ['start', '--', '--empty']);
  await waitFor('the stack is up', () => {
    if (npm.process.exitCode !== null) throw new Error(npm.printed());
    return Promise.resolve(npm.printed().includes('Ctrl-C stops it'));
  });
  return npm;
};

/** The process that owns the stack. */
const owner = async (): Promise<number> =>
  Number.parseInt(await readFile(inDirectory('pid'), 'utf8'), 10);

/** Where the servers and services of the last start listened: those that still do. */
const stillOpen = async (): Promise<readonly string[]> => {
  const left = parseEnv(await readFile(inDirectory('stack.env'), 'utf8'));
  const addresses = Object.entries(left).filter(([name]) => /_(BROKERS|URL)$/.test(name));
  expect(addresses.length).toBeGreaterThanOrEqual(6);
  const answers = addresses.map(
    ([name, address]) =>
      new Promise<string>((resolve) => {
        const socket = connect(Number(/:(\d+)/.exec(address ?? '')?.[1]), '127.0.0.1');
        socket.once('connect', () => resolve(name));
        socket.once('error', () => resolve(''));
        socket.once('connect', () => socket.destroy());
      }),
  );
  return (await Promise.all(answers)).filter((name) => name !== '');
};

const expectServersStopped = async (): Promise<void> => {
  expect(existsSync(inDirectory('pid'))).toBe(false);
  expect(await stillOpen()).toEqual([]);
  // What the broker says last of its own stop. The JVM may go on, and write its archive of classes.
  const log = await readFile(inDirectory('data/kafka/kafka.log'), 'utf8');
  expect(log.includes('on Controller 1] shut down completely')).toBe(true);
};

const expectServicesStopped = async (): Promise<void> => {
  for (const name of SERVICES) {
    const log = await readFile(inDirectory(`logs/${name}.log`), 'utf8');
    expect({ name, stopped: log.match(/"msg":"stopped"/g)?.length }).toEqual({ name, stopped: 1 });
  }
};

test.each([
  ['npm', 'SIGTERM', [0, null]],
  ['npm', 'SIGKILL', [null, 'SIGKILL']],
  ['entry', 'SIGINT', [130, null]],
] as const)('the stack ends in order when its %s alone gets %s', async (who, signal, end) => {
  const npm = await start();
  const pid = await owner();
  process.kill(who === 'npm' ? (npm.process.pid ?? 0) : pid, signal);
  await waitFor('the stack has ended', () => Promise.resolve(!isAlive(pid)));
  await expectServicesStopped();
  await expectServersStopped();
  expect(await npm.ended).toEqual(end);
  expect(npm.printed().match(/Stopping/g)).toHaveLength(1);
});

test('npm start ends in order, and quietly, when nobody reads its output any more', async () => {
  const script = 'npm start -- --empty | head -2; echo "ended with ${PIPESTATUS[0]}"';
  const shell = run('bash', ['-c', script]);
  expect(await shell.ended).toEqual([0, null]);
  expect(shell.printed()).toBe('\n> usage-pipeline@0.1.0 start\nended with 141\n');
  await expectServersStopped();
});
