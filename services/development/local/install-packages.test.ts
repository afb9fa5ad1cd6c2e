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
case "$*" in
  *--omit=dev*) sed '/"dev"/d' package-lock.json ;;
  *) cat package-lock.json ;;
esac > node_modules/.package-lock.json
`;

/** A lock file in which what runs, a tool for tests, and a package for another platform each have a line. */
const lockFile = (avsc: string): string => `{ "packages": {
"node_modules/jest": { "version": "30.5.2", "dev": true },
"node_modules/other": { "version": "1.0.0", "optional": true },
"node_modules/avsc": { "version": "${avsc}" }
} }`;

let clone: string;
beforeEach(async () => {
  clone = await mkdtemp(join(tmpdir(), 'install-packages-'));
  await mkdir(join(clone, dirname(SCRIPT)), { recursive: true });
  await copyFile(inRepository(SCRIPT), join(clone, SCRIPT));
  await mkdir(join(clone, 'bin'));
  await writeFile(join(clone, 'bin/npm'), NPM);
  await chmod(join(clone, 'bin/npm'), 0o755);
  await writeFile(join(clone, 'package-lock.json'), lockFile('5.7.8'));
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

test('pull-brings-new-packages: a package in another version is installed, and one for another platform is not missed', async () => {
  expect(install(false)).toBe(0);
  const path = join(clone, 'node_modules/.package-lock.json');
  await writeFile(path, (await readFile(path, 'utf8')).replace(/.*"optional".*\n/, ''));
  expect(install(false)).toBe(0);
  expect(await calls()).toHaveLength(1);
  await writeFile(join(clone, 'package-lock.json'), lockFile('5.7.9'));
  expect(install(false)).toBe(0);
  expect(install(false)).toBe(0);
  expect(await calls()).toHaveLength(2);
});
