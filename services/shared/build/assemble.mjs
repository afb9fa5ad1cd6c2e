#!/usr/bin/env node
/**
 * Puts into a new folder all that the programs of the services need to run: `node assemble.mjs FOLDER`. That
 * is what a container image has: compiled programs and their source maps, the packages with native code for
 * this platform, and the files that the programs read. Neither the compiler nor the sources, nor chDB, which
 * only the local ClickHouse of `npm start` needs.
 *
 * `node FOLDER/run.mjs NAME` runs a program: see services/entry.
 */
import { cpSync, existsSync, mkdirSync, readFileSync, realpathSync, writeFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { basename, dirname, join, resolve } from 'node:path';
import { fileURLToPath } from 'node:url';
import { NATIVE } from './bundle.mjs';
import { compileOrEnd } from './compile.mjs';

const repository = fileURLToPath(new URL('../../../', import.meta.url));
const NOT_NEEDED = ['chdb'];

/** What the programs read, besides the schemas: paths in the repository. */
const FILES = [
  'package.json',
  'LICENSE',
  'deploy/clickhouse',
  'deploy/kafka/providers.json',
  'samples',
  'schemas',
  'services/development/local/end-with-parent.mjs',
];

const RUN = `import './dist/bundle/current/services/entry/main.js';\n`;

/** Sources and tests beside the files that are read, and documents. */
const isRead = (path) => !/\.(ts|md)$/.test(path);

/** The folder of a package that is installed for another one, if it is. */
const folderOf = (name, from) => {
  const lookUp = createRequire(join(from, 'package.json')).resolve.paths(name) ?? [];
  return lookUp.map((path) => join(path, name)).find((path) => existsSync(path));
};

/** The packages and all that they need, as folders. Those for other platforms are not installed. */
const closureOf = (names, from = repository, found = new Set()) => {
  for (const name of names) {
    const folder = folderOf(name, from);
    if (folder === undefined || found.has(folder)) continue;
    found.add(folder);
    const { dependencies, optionalDependencies } = JSON.parse(
      readFileSync(join(folder, 'package.json'), 'utf8'),
    );
    closureOf(Object.keys({ ...dependencies, ...optionalDependencies }), folder, found);
  }
  return found;
};

const PLATFORM = `${process.platform}-${process.arch}`;

/** Sources of native code, and builds for other platforms. */
const isBuilt = (folder) => (path) => {
  const [first, second] = path.slice(folder.length + 1).split('/');
  if (first === 'prebuilds' && second !== undefined) return second === PLATFORM;
  return !['deps', 'src', 'test', 'benchmarks'].includes(first) && !/\.(md|d\.ts|map)$/.test(path);
};

const assemble = (target) => {
  mkdirSync(target, { recursive: true });
  for (const path of FILES) {
    cpSync(join(repository, path), join(target, path), { recursive: true, filter: isRead });
  }
  const bundle = realpathSync(join(repository, 'dist/bundle/current'));
  cpSync(bundle, join(target, 'dist/bundle/current'), { recursive: true });
  const packages = closureOf(NATIVE.filter((name) => !NOT_NEEDED.includes(name)));
  for (const folder of packages) {
    const place = join(target, folder.slice(repository.length));
    cpSync(folder, place, { recursive: true, filter: isBuilt(folder) });
  }
  writeFileSync(join(target, 'run.mjs'), RUN);
  return packages.size;
};

const [folder] = process.argv.slice(2);
if (folder === undefined || existsSync(resolve(folder, 'run.mjs'))) {
  process.stderr.write(
    `${basename(dirname(import.meta.filename))}/assemble.mjs: name a new folder\n`,
  );
  process.exit(1);
}
await compileOrEnd('assemble.mjs');
const count = assemble(resolve(folder));
console.log(`${resolve(folder)}: all programs, ${count} packages`);
