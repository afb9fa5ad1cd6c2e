import { spawn } from 'node:child_process';
import { createHash } from 'node:crypto';
import { once } from 'node:events';
import { mkdtemp, readdir, readFile, rename, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { insertRows } from '../../services/shared/clickhouse/client.ts';
import { inRepository } from '../../services/shared/process/repository.ts';
import { storeExportedUsage } from '../support/exported-usage.ts';
import { usagectl } from '../support/service-process.ts';
import { openTestStack, type TestStack } from '../support/test-stack.ts';

/**
 * An importer takes each file away as soon as it has its name. Wherever the export is killed, every row must reach it once.
 */
let stack: TestStack;
let windows: number;
let directory: string;

beforeAll(async () => {
  stack = await openTestStack();
  windows = await storeExportedUsage(stack.clickHouse);
});
afterAll(() => stack.close());
beforeEach(async () => (directory = await mkdtemp(join(tmpdir(), 'usage-export-'))));
afterEach(() => rm(directory, { recursive: true, force: true }));

const outbox = (): string => join(directory, 'out');
const ARGUMENTS = ['export', '--format', 'ndjson', '--incremental'] as const;

const killedAt = async (failpoint: string): Promise<string | null> => {
  const child = spawn(process.execPath, ['services/cli/bin/usagectl.mjs', ...ARGUMENTS, outbox()], {
    cwd: inRepository('.'),
    stdio: 'ignore',
    env: { ...process.env, NODE_OPTIONS: '', ...stack.environment, USAGE_FAILPOINT: failpoint },
  });
  const [, signal] = (await once(child, 'exit')) as [number | null, string | null];
  return signal;
};

const runToTheEnd = async (): Promise<string> => {
  const { code, stdout, stderr } = await usagectl([...ARGUMENTS, outbox()], stack.environment);
  expect(stderr).toBe('');
  expect(code).toBe(0);
  return stdout;
};

/** Takes all files that have their name, as an importer does, and adds up their rows. */
class Importer {
  readonly names: string[] = [];
  readonly lines: string[] = [];

  async take(): Promise<void> {
    for (const name of (await readdir(outbox()).catch(() => [])).sort()) {
      if (!name.endsWith('.ndjson')) continue;
      const text = await readFile(join(outbox(), name), 'utf8');
      this.names.push(name);
      this.lines.push(...text.split('\n').filter((line) => line !== ''));
      await rename(join(outbox(), name), join(directory, name));
    }
  }
}

const PLACES = ['export-file-written', 'export-state-written', 'export-file-renamed'] as const;

test.each(PLACES.flatMap((place) => [1, 2, 4].map((pass) => `${place}:${String(pass)}`)))(
  'killed at %s, the next run exports every row once',
  async (failpoint) => {
    const importer = new Importer();
    expect(await killedAt(failpoint)).toBe('SIGKILL');
    await importer.take();
    await runToTheEnd();
    await importer.take();
    await runToTheEnd();
    await importer.take();
    expect(importer.lines).toHaveLength(windows);
    expect(new Set(importer.lines).size).toBe(windows);
    expect(importer.names).toHaveLength(4);
    expect((await readdir(outbox())).sort()).toEqual(['export-state.json']);
  },
);

const digests = async (): Promise<readonly string[]> =>
  Promise.all(
    (await readdir(outbox())).sort().map(async (name) => {
      const bytes = await readFile(join(outbox(), name));
      return `${name} ${createHash('sha256').update(bytes).digest('hex')}`;
    }),
  );

test('a run that begins anew writes the same bytes under the same names', async () => {
  await runToTheEnd();
  const first = await digests();
  expect(first).toHaveLength(5);
  await rm(outbox(), { recursive: true });
  await runToTheEnd();
  expect(await digests()).toEqual(first);
});

test('another kind of export in the same directory, and a state that cannot be read, are refused', async () => {
  await runToTheEnd();
  const rates = ['--rates', inRepository('samples/rates.json')];
  for (const others of [
    ['export', '--format', 'csv', '--incremental', outbox()],
    ['export', ...rates, ...ARGUMENTS.slice(1), outbox()],
  ]) {
    expect(await usagectl(others, stack.environment)).toMatchObject({
      code: 1,
      stderr: expect.stringContaining('another kind') as string,
    });
  }
  await writeFile(join(outbox(), 'export-state.json'), '{');
  const broken = await usagectl([...ARGUMENTS, outbox()], stack.environment);
  expect(broken).toMatchObject({
    code: 1,
    stderr: expect.stringContaining('Restore it') as string,
  });
});

test('an hour that was restated after it was exported is told until its file is written again', async () => {
  await runToTheEnd();
  await insertRows(
    stack.clickHouse,
    'restatements',
    [false, true].map((written) => ({
      topic: 'usage.history.exports',
      epoch: 1,
      partition: 0,
      reported_hour: Date.UTC(2019, 11, 31, 23) / 1000,
      generation: 1,
      windows: 1,
      written,
      reason: 'test',
      actor: 'test',
    })),
  );
  const run = (...more: readonly string[]) =>
    usagectl([...ARGUMENTS, outbox(), ...more], stack.environment);
  expect(await run()).toMatchObject({
    code: 1,
    stdout: expect.stringContaining(
      'from 2019-12-31T23:00:00Z changed after its file was exported',
    ) as string,
  });
  expect(await run('--rewrite-restated')).toMatchObject({
    code: 0,
    stdout: expect.stringContaining('Wrote 1 file') as string,
  });
  expect(await run()).toMatchObject({ code: 0 });
});
