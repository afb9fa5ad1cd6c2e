import { spawn, spawnSync } from 'node:child_process';
import { mkdtempSync, readdirSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { scriptedServer } from '../../test/support/scripted-server.ts';
import { inRepository, nodeArguments } from '../shared/process/repository.ts';

/** What a program printed, and its exit code. */
const run = (args: readonly string[], environment: Readonly<Record<string, string>> = {}) => {
  const { status, stdout, stderr } = spawnSync(
    process.execPath,
    [...nodeArguments('services/entry/main.ts'), ...args],
    { encoding: 'utf8', env: { ...process.env, NODE_OPTIONS: '', ...environment } },
  );
  return { status, stdout, stderr };
};

test('a program is run by its name, with the arguments that are its own', () => {
  expect(run(['usagectl', 'sources', '--help'])).toMatchObject({
    status: 0,
    stdout: expect.stringContaining('Usage: usagectl sources') as string,
  });
});

test('a name that is none is refused with all that there are', () => {
  expect(run(['agregator'])).toMatchObject({
    status: 1,
    stderr: expect.stringMatching(
      /^There is no program "agregator": name one of aggregator, /,
    ) as string,
  });
  expect(run(['constructor']).status).toBe(1);
});

test('without a name it says what there is', () => {
  expect(run([])).toMatchObject({
    status: 0,
    stdout: expect.stringContaining('usagectl') as string,
  });
});

/** What the health check of a container says; it asks this process, so it must not block it. */
const health = (port: string): Promise<{ code: number | null; printed: string }> =>
  new Promise((resolve) => {
    const child = spawn(
      process.execPath,
      [...nodeArguments('services/entry/main.ts'), 'health', 'aggregator'],
      { env: { ...process.env, NODE_OPTIONS: '', HEALTH_PORT: port } },
    );
    let printed = '';
    for (const stream of [child.stdout, child.stderr]) {
      stream.on('data', (chunk: Buffer) => {
        printed += chunk.toString('utf8');
      });
    }
    child.once('close', (code) => resolve({ code, printed }));
  });

test.each([
  [200, 0],
  [503, 1],
])('a service that answers %d has the health %d', async (status, code) => {
  const body = JSON.stringify({ problems: ['a partition has halted'] });
  const service = await scriptedServer(() => ({ status, body }));
  try {
    const result = await health(new URL(service.url).port);
    expect(result).toEqual({ code, printed: `${body}\n` });
    expect(service.asked.map(({ path }) => path)).toEqual(['/health/ready']);
  } finally {
    await service.close();
  }
});

test('a service that does not answer is not healthy', async () => {
  const service = await scriptedServer(() => ({ body: '' }));
  const { port } = new URL(service.url);
  await service.close();
  expect(await health(port)).toMatchObject({
    code: 1,
    printed: expect.stringContaining('ECONNREFUSED') as string,
  });
});

test('what a container needs is put together, runs anywhere, and has no compiler and no chDB', () => {
  const parent = mkdtempSync(join(tmpdir(), 'assemble-'));
  try {
    const folder = join(parent, 'app');
    const assembled = spawnSync(
      process.execPath,
      [inRepository('services/shared/build/assemble.mjs'), folder],
      { encoding: 'utf8', env: { ...process.env, NODE_OPTIONS: '' } },
    );
    expect(assembled).toMatchObject({ status: 0, stderr: '' });
    const packages = readdirSync(join(folder, 'node_modules'));
    expect(packages).toEqual(expect.arrayContaining(['snappy', 'classic-level', 'lz4-napi']));
    expect(packages.filter((name) => /chdb|swc|rolldown|jest|typescript/.test(name))).toEqual([]);
    const ran = spawnSync(
      process.execPath,
      [join(folder, 'run.mjs'), 'usagectl', 'rules', '--help'],
      {
        encoding: 'utf8',
        cwd: parent,
        env: { ...process.env, NODE_OPTIONS: '' },
      },
    );
    expect(ran).toMatchObject({ status: 0, stderr: '' });
    expect(ran.stdout).toContain('Usage: usagectl rules');
  } finally {
    rmSync(parent, { recursive: true });
  }
});
