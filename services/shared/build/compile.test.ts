import { execFileSync, spawnSync } from 'node:child_process';
import { existsSync, mkdirSync, mkdtempSync, rmSync, utimesSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { inRepository } from '../process/repository.ts';

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

const COMPILER = JSON.stringify(inRepository('services/shared/build/compile.mjs'));

/** In a process of its own: the bundler is native, and does not know the objects of Jest's world. */
const compile = (): number => {
  const script = `console.log(await (await import(${COMPILER})).compile(${JSON.stringify(root)}))`;
  const { status, stdout, stderr } = spawnSync(
    process.execPath,
    ['--input-type=module', '-e', script],
    { encoding: 'utf8', env: { ...process.env, NODE_OPTIONS: '' } },
  );
  if (status !== 0) throw new Error(stderr);
  return Number(stdout);
};

const run = (program = 'dist/services/main.js'): string =>
  execFileSync(process.execPath, [join(root, program)], {
    encoding: 'utf8',
    env: { ...process.env, NODE_OPTIONS: '' },
    stdio: 'pipe',
  }).trim();

const BUNDLE = 'dist/bundle/current/services/main.js';

test('what is compiled runs, and nothing is compiled twice', () => {
  expect(compile()).toBe(2);
  expect([run(), run(BUNDLE)]).toEqual(['first', 'first']);
  expect(compile()).toBe(0);
});

test('a source that changed is compiled again, also one that became older', () => {
  compile();
  writeFileSync(join(root, 'services/word.ts'), "export const word: string = 'second';\n");
  utimesSync(join(root, 'services/word.ts'), 1, 1);
  expect(compile()).toBe(1);
  expect([run(), run(BUNDLE)]).toEqual(['second', 'second']);
});

test('a source that is gone takes its compiled file with it', () => {
  compile();
  rmSync(join(root, 'services/word.ts'));
  expect(compile).toThrow('word.ts');
  expect(run).toThrow('word.js');
});

test('a program that is gone takes its bundle with it', () => {
  mkdirSync(join(root, 'services/other'));
  writeFileSync(join(root, 'services/other/main.ts'), "console.log('other');");
  compile();
  expect(run('dist/bundle/current/services/other/main.js')).toBe('other');
  rmSync(join(root, 'services/other'), { recursive: true });
  compile();
  expect(existsSync(join(root, 'dist/bundle/current/services/other/main.js'))).toBe(false);
});

test('packages that changed are bundled again', () => {
  mkdirSync(join(root, 'node_modules/words'), { recursive: true });
  const install = (version: string, at: number): void => {
    writeFileSync(join(root, 'node_modules/words/index.js'), `export const word = '${version}';`);
    writeFileSync(join(root, 'node_modules/words/package.json'), '{ "type": "module" }');
    writeFileSync(join(root, 'node_modules/.package-lock.json'), '{}');
    utimesSync(join(root, 'node_modules/.package-lock.json'), at, at);
  };
  writeFileSync(join(root, 'services/word.ts'), "export { word } from 'words';\n");
  install('one', 1);
  compile();
  install('two', 2);
  compile();
  rmSync(join(root, 'node_modules'), { recursive: true });
  expect(run(BUNDLE)).toBe('two');
});

test('a bundle that was deleted is made again', () => {
  compile();
  rmSync(join(root, 'dist/bundle'), { recursive: true });
  compile();
  expect(run(BUNDLE)).toBe('first');
});

test('a stack trace of a bundle names the source and its line', () => {
  writeFileSync(
    join(root, 'services/word.ts'),
    "interface Nothing {}\n\nexport const word: Nothing = (() => {\n  throw new Error('a defect');\n})();\n",
  );
  compile();
  const { stderr } = spawnSync(process.execPath, ['--enable-source-maps', join(root, BUNDLE)], {
    encoding: 'utf8',
    env: { ...process.env, NODE_OPTIONS: '' },
  });
  expect(stderr).toContain(`${join(root, 'services/word.ts')}:4:9`);
});

test('where nothing can be written there, one line says so and what to do', () => {
  writeFileSync(join(root, 'dist'), '');
  const entry = `import(${COMPILER}).then(({ compileOrEnd }) => compileOrEnd('usagectl', ${JSON.stringify(root)}))`;
  const { status, stderr } = spawnSync(process.execPath, ['-e', entry], { encoding: 'utf8' });
  expect({ status, stderr }).toEqual({
    status: 1,
    stderr: `usagectl: the sources are newer than what was compiled from them, and ${join(root, 'dist')} is no directory: make it writable for you, or have somebody who may write there run any command of it once\n`,
  });
});
