import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, mkdtempSync, readFileSync, writeFileSync } from 'node:fs';
import { rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { waitFor } from '../../../test/support/wait-for.ts';
import { inRepository } from '../../shared/process/repository.ts';
import { isAlive } from '../../shared/process/is-alive.ts';
import { END_WITH_PARENT } from './child-process.ts';

/** Says what it is asked to do, and goes on at its work until it finds the file `enough`. */
const PROGRAM = `
import { appendFileSync, existsSync, writeFileSync } from 'node:fs';
const say = (line) => appendFileSync('said', line + '\\n');
for (const signal of ['SIGTERM', 'SIGINT', 'SIGHUP'])
  process.on(signal, () => { say(signal); process.exit(3); });
writeFileSync('pid', String(process.pid));
setInterval(() => {
  say('works');
  if (existsSync('enough')) { say('finished'); process.exit(0); }
}, 100);`;

const SCRIPTS = {
  watched: `exec node ${END_WITH_PARENT} program.mjs`,
  background: 'npm run -s watched > /dev/null 2>&1 &',
  unwatched: 'node program.mjs > /dev/null 2>&1 &',
};

let directory: string;
beforeEach(() => {
  directory = mkdtempSync(join(tmpdir(), 'end-with-parent-'));
  writeFileSync(join(directory, 'package.json'), JSON.stringify({ scripts: SCRIPTS }));
  writeFileSync(join(directory, 'program.mjs'), PROGRAM);
});
afterEach(async () => {
  const pid = Number(read('pid'));
  if (pid > 0 && isAlive(pid)) process.kill(pid, 'SIGKILL');
  await rm(directory, { recursive: true });
});

const read = (name: string): string => {
  const path = join(directory, name);
  return existsSync(path) ? readFileSync(path, 'utf8') : '';
};
const said = (): readonly string[] => read('said').trim().split('\n');
const isUp = (): Promise<boolean> => Promise.resolve(said().includes('works'));

const launch = (command: string, args: readonly string[]) =>
  spawn(command, args, {
    cwd: directory,
    stdio: 'ignore',
    env: { ...process.env, NODE_OPTIONS: '' },
  });

test.each([
  ['SIGTERM', 'SIGTERM'], // these two npm passes on by itself
  ['SIGINT', 'SIGINT'],
  ['SIGHUP', 'SIGHUP'],
  ['SIGKILL', 'SIGHUP'],
] as const)('a script of npm is asked to end when npm alone gets %s', async (signal, heard) => {
  const npm = launch('npm', ['run', '-s', 'watched']);
  await waitFor('the script runs', isUp);
  npm.kill(signal);
  await waitFor('the script has ended', () => Promise.resolve(!isAlive(Number(read('pid')))));
  expect(said().filter((line) => line !== 'works')).toEqual([heard]);
});

test('a program that does not listen to SIGHUP ends, too, when npm is killed', async () => {
  writeFileSync(join(directory, 'program.mjs'), PROGRAM.replace(", 'SIGHUP'", ''));
  const npm = launch('npm', ['run', '-s', 'watched']);
  await waitFor('the script runs', isUp);
  npm.kill('SIGKILL');
  await waitFor('the script has ended', () => Promise.resolve(!isAlive(Number(read('pid')))));
  expect(said().every((line) => line === 'works')).toBe(true);
});

const hasSetsid = process.platform === 'linux';

test.each([
  ['by nohup', 'nohup npm run -s watched > /dev/null 2>&1 &'],
  ['by a shell in a shell', 'bash -c "npm run -s watched > /dev/null 2>&1 &"'],
  ...(hasSetsid ? [['by setsid', 'setsid npm run -s watched > /dev/null 2>&1 &']] : []),
  ['by npx', 'npx -c "npm run -s watched" > /dev/null 2>&1 &'],
  ['by another script of npm', 'npm run -s background'],
  ['by a script of npm that does not wait for it', 'npm run -s unwatched'],
  ['without npm', 'node program.mjs > /dev/null 2>&1 &'],
])('a program that was started %s goes on when who started it has ended', async (_, command) => {
  await once(launch('sh', ['-c', command]), 'exit');
  await waitFor('the program runs', isUp);
  const before = said().length;
  await waitFor('it has worked on', () => Promise.resolve(said().length > before + 10));
  writeFileSync(join(directory, 'enough'), '');
  await waitFor('it has ended', () => Promise.resolve(!isAlive(Number(read('pid')))));
  expect(said().filter((line) => line !== 'works')).toEqual(['finished']);
});

test('every script of package.json that starts servers ends with npm', () => {
  const { scripts } = JSON.parse(readFileSync(inRepository('package.json'), 'utf8')) as {
    scripts: Readonly<Record<string, string>>;
  };
  const starting = Object.entries(scripts).filter(([, script]) =>
    /start\.mjs|npm-test\.mjs|jest\.js| test\//.test(script),
  );
  expect(starting.length).toBeGreaterThan(5);
  for (const [name, script] of starting) {
    expect(`${name}: ${script}`).toMatch(
      /^[\w:-]+: exec (env \w+=\S+ )?node --import=\.\/services\/development\/local\/end-with-parent\.mjs /,
    );
  }
});
