import { spawn, type ChildProcess } from 'node:child_process';
import { existsSync, readFileSync } from 'node:fs';
import { mkdir, mkdtemp, readdir, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { isAlive } from '../../services/shared/process/is-alive.ts';
import { inRepository } from '../../services/shared/process/repository.ts';
import { waitFor } from '../support/wait-for.ts';

/** A test that never ends, in a worker whose process it tells. */
const HANGING = `
import { writeFileSync } from 'node:fs';
test('hangs', async () => {
  writeFileSync(import.meta.filename + '.pid', String(process.pid));
  await new Promise(() => setInterval(() => undefined, 1000));
}, 900_000);`;

let directory: string;
let tests: string;
beforeEach(async () => {
  directory = await mkdtemp(join(tmpdir(), 'usage-npm-test-'));
  tests = join(directory, 'tests');
  await mkdir(tests);
  for (const name of ['a', 'b']) await writeFile(join(tests, `${name}.test.mjs`), HANGING);
});
afterEach(async () => {
  await rm(directory, { recursive: true });
});

let npm: ChildProcess;
let printed: string;

/** Numbers in a file, once it is there. */
const numbersIn = async (path: () => Promise<string>): Promise<readonly number[]> => {
  const found = await waitFor('a file with process ids', async () => {
    if (npm.exitCode !== null) throw new Error(`npm test has ended: ${printed}`);
    const name = await path();
    return existsSync(name) && /\d\n?$/.test(readFileSync(name, 'utf8')) ? name : null;
  });
  return readFileSync(found, 'utf8').trim().split(' ').map(Number);
};

/** Where the set-up of the integration tests keeps a server's data. */
const server = async (name: string): Promise<string> => {
  const made = (await readdir(directory)).find((entry) => entry.startsWith('usage-pipeline-'));
  return join(directory, made ?? 'none', name, 'pid');
};

test.each(['SIGTERM', 'SIGKILL'] as const)(
  'Jest, its workers and its servers end when npm test alone gets %s',
  async (signal) => {
    const config = {
      rootDir: tests,
      testMatch: ['**/*.test.mjs'],
      transform: {},
      maxWorkers: 2,
      globalSetup: inRepository('test/support/start-stack.mjs'),
    };
    const child = spawn('npm', ['test', '--', '--config', JSON.stringify(config)], {
      stdio: ['ignore', 'pipe', 'pipe'],
      env: { ...process.env, NODE_OPTIONS: '', TMPDIR: directory },
    });
    npm = child;
    printed = '';
    for (const stream of [child.stdout, child.stderr]) {
      stream.on('data', (chunk: Buffer) => (printed += chunk.toString('utf8')));
    }
    const [broker = 0, jest = 0] = await numbersIn(() => server('kafka'));
    const [engine = 0] = await numbersIn(() => server('clickhouse'));
    const [a = 0] = await numbersIn(() => Promise.resolve(join(tests, 'a.test.mjs.pid')));
    const [b = 0] = await numbersIn(() => Promise.resolve(join(tests, 'b.test.mjs.pid')));
    const started = { jest, a, b, broker, engine };
    expect(Object.values(started).every(isAlive)).toBe(true);
    expect(new Set(Object.values(started)).size).toBe(5);
    npm.kill(signal);
    await waitFor('all that it has started has ended', () =>
      Promise.resolve(!Object.values(started).some(isAlive)),
    );
  },
);
