import { spawnSync } from 'node:child_process';
import { chmod, copyFile, mkdir, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { inRepository } from '../../shared/process/repository.ts';

const SCRIPT = 'services/development/local/install-packages.mjs';

/** Writes down how it was called, and what npm writes last. */
const NPM = `#!/bin/sh
echo "$*" >> calls
[ -e broken ] && exit 1
mkdir -p node_modules
jest=', "node_modules/jest": {}'
case "$*" in *--omit=dev*) jest= ;; esac
echo "{\\"packages\\": {\\"node_modules/@swc/core\\": {}, \\"node_modules/rolldown\\": {}$jest}}" > node_modules/.package-lock.json
`;

let clone: string;
beforeEach(async () => {
  clone = await mkdtemp(join(tmpdir(), 'install-packages-'));
  await mkdir(join(clone, dirname(SCRIPT)), { recursive: true });
  await copyFile(inRepository(SCRIPT), join(clone, SCRIPT));
  await mkdir(join(clone, 'bin'));
  await writeFile(join(clone, 'bin/npm'), NPM);
  await chmod(join(clone, 'bin/npm'), 0o755);
});
afterEach(() => rm(clone, { recursive: true }));

const install = (forTests: boolean): number | null =>
  spawnSync(
    process.execPath,
    [
      '--input-type=module',
      '-e',
      `const { installPackages } = await import('./${SCRIPT}'); installPackages({ forTests: ${String(forTests)} });`,
    ],
    {
      cwd: clone,
      env: { PATH: `${join(clone, 'bin')}:${process.env['PATH'] ?? ''}`, NODE_OPTIONS: '' },
    },
  ).status;

/** What was asked of npm, in short. */
const calls = async (): Promise<readonly (string | undefined)[]> =>
  (await readFile(join(clone, 'calls'), 'utf8'))
    .trimEnd()
    .split('\n')
    .map((line) => /--(?:omit|include)=dev/.exec(line)?.[0]);

test('start-installs-test-tools: a start installs what runs, and tests the rest, each once', async () => {
  expect(install(false)).toBe(0);
  expect(install(false)).toBe(0);
  expect(await calls()).toEqual(['--omit=dev']);
  expect(install(true)).toBe(0);
  expect(install(true)).toBe(0);
  expect(install(false)).toBe(0);
  expect(await calls()).toEqual(['--omit=dev', '--include=dev']);
});

test('an installation that failed is begun again', async () => {
  await writeFile(join(clone, 'broken'), '');
  expect(install(true)).toBe(1);
  await rm(join(clone, 'broken'));
  expect(install(true)).toBe(0);
  expect(await calls()).toEqual(['--include=dev', '--include=dev']);
});
