import { execFileSync, spawnSync } from 'node:child_process';
import { mkdirSync, mkdtempSync, rmSync, utimesSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { inRepository } from '../process/repository.ts';
import { compile } from './compile.mjs';

let root: string;

beforeEach(() => {
  root = mkdtempSync(join(tmpdir(), 'compile-'));
  mkdirSync(join(root, 'services'));
  writeFileSync(join(root, 'package.json'), '{ "type": "module" }');
  writeFileSync(
    join(root, 'services/main.ts'),
    "import { word } from './word.ts';\nconsole.log(word satisfies string);\n",
  );
  writeFileSync(join(root, 'services/word.ts'), "export const word: string = 'first';\n");
});

afterEach(() => rmSync(root, { recursive: true }));

const run = (): string =>
  execFileSync(process.execPath, [join(root, 'dist/services/main.js')], {
    encoding: 'utf8',
    env: { ...process.env, NODE_OPTIONS: '' },
    stdio: 'pipe',
  }).trim();

test('what is compiled runs, and nothing is compiled twice', () => {
  expect(compile(root)).toBe(2);
  expect(run()).toBe('first');
  expect(compile(root)).toBe(0);
});

test('a source that changed is compiled again, also one that became older', () => {
  compile(root);
  writeFileSync(join(root, 'services/word.ts'), "export const word: string = 'second';\n");
  utimesSync(join(root, 'services/word.ts'), 1, 1);
  expect(compile(root)).toBe(1);
  expect(run()).toBe('second');
});

test('a source that is gone takes its compiled file with it', () => {
  compile(root);
  rmSync(join(root, 'services/word.ts'));
  compile(root);
  expect(run).toThrow('word.js');
});

test('where nothing can be written there, one line says so and what to do', () => {
  writeFileSync(join(root, 'dist'), '');
  const entry = `import(${JSON.stringify(inRepository('services/shared/build/compile.mjs'))}).then(({ compileOrEnd }) => compileOrEnd('usagectl', ${JSON.stringify(root)}))`;
  const { status, stderr } = spawnSync(process.execPath, ['-e', entry], { encoding: 'utf8' });
  expect({ status, stderr }).toEqual({
    status: 1,
    stderr: `usagectl: the sources are newer than what was compiled from them, and ${join(root, 'dist')} is no directory: make it writable for you, or have somebody who may write there run any command of it once\n`,
  });
});
