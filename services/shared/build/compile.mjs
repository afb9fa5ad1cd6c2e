/**
 * Compiles the repository's TypeScript into `dist/`, once: every process then runs plain JavaScript. The
 * programs of the services are also bundled (`bundle.mjs`), which starts them in half the time.
 *
 * The name of a bundle, which `dist/bundle/current` refers to, is a digest of what was compiled: by which
 * compilers, with which packages, and each source with its modification time. So a changed source never runs
 * stale, and a run in which nothing has changed only looks at the times. A compiled file has the time of its
 * source, so only changed ones are compiled again.
 * Types are checked by `npm run typecheck`, not here.
 */
import { createHash } from 'node:crypto';
import {
  existsSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  realpathSync,
  renameSync,
  rmSync,
  statSync,
  utimesSync,
  writeFileSync,
} from 'node:fs';
import { createRequire } from 'node:module';
import { basename, dirname, join } from 'node:path';
import { fileURLToPath, pathToFileURL } from 'node:url';

const repository = fileURLToPath(new URL('../../../', import.meta.url));
const FOLDERS = ['services', 'schemas', 'test'];
const require = createRequire(import.meta.url);

const options = {
  jsc: {
    target: 'es2023',
    parser: { syntax: 'typescript' },
    rewriteRelativeImportExtensions: true,
  },
  module: { type: 'es6', resolveFully: false },
  sourceMaps: true,
  swcrc: false,
  configFile: false,
};

const versionOf = (name) =>
  JSON.parse(readFileSync(require.resolve(`${name}/package.json`), 'utf8')).version;

const digestOf = (value) =>
  createHash('sha256').update(JSON.stringify(value)).digest('hex').slice(0, 32);

/** What a compiled file depends on besides its source. */
const compilerStamp = () => digestOf([versionOf('@swc/core'), options]);

/** The path of the compiled file of a source, both relative to the repository. */
export const compiledPath = (source, root = repository) =>
  join(root, 'dist', source.replace(/\.ts$/, '.js'));

/** A program of the services: it is bundled. */
const isProgram = (source) => /^services\/(.+\/)?main\.ts$/.test(source);

/** JavaScript and source map of a TypeScript text. `path` is absolute. */
export const compileText = (text, path) => {
  const { transformSync } = require('@swc/core');
  const { code, map } = transformSync(text, {
    ...options,
    filename: path,
    sourceFileName: pathToFileURL(path).href,
  });
  return { code, map };
};

const filesIn = (folder, extension) =>
  existsSync(folder)
    ? readdirSync(folder, { recursive: true }).filter((name) => name.endsWith(extension))
    : [];

const sourcesIn = (root) =>
  FOLDERS.flatMap((folder) =>
    filesIn(join(root, folder), '.ts')
      .filter((name) => !name.endsWith('.test.ts') && !name.endsWith('.d.ts'))
      .map((name) => join(folder, name)),
  ).sort();

/** Whole milliseconds. `replaceFile` sets half of one more, which no rounding takes away. */
const modified = (path) => {
  const stats = statSync(path, { throwIfNoEntry: false });
  return stats ? Math.floor(stats.mtimeMs) : null;
};

/** Another process may compile or run the same file at this moment, so each file appears complete. */
const replaceFile = (path, text, millis) => {
  const temporary = `${path}.${process.pid}.new`;
  writeFileSync(temporary, text);
  if (millis !== undefined) utimesSync(temporary, (millis + 0.5) / 1000, (millis + 0.5) / 1000);
  renameSync(temporary, path);
};

const compileFile = (root, source, millis) => {
  const path = join(root, source);
  const target = compiledPath(source, root);
  const { code, map } = compileText(readFileSync(path, 'utf8'), path);
  mkdirSync(dirname(target), { recursive: true });
  replaceFile(`${target}.map`, map);
  const name = target.slice(target.lastIndexOf('/') + 1);
  replaceFile(target, `${code}\n//# sourceMappingURL=${name}.map\n`, millis);
};

/** Removes the compiled files of deleted sources. Otherwise imports of them would still work. */
const removeOrphans = (root, present) => {
  for (const folder of FOLDERS) {
    const compiled = join(root, 'dist', folder);
    for (const name of filesIn(compiled, '.js')) {
      const target = join(compiled, name);
      if (present.has(target)) continue;
      rmSync(target, { force: true });
      rmSync(`${target}.map`, { force: true });
    }
  }
};

/** What keeps a disk from being written, in words. */
const WRITE_PROBLEMS = {
  EACCES: 'is not writable',
  EPERM: 'is not writable',
  EROFS: 'lies on a read-only file system',
  ENOENT: 'cannot be made',
  ENOTDIR: 'is no directory',
  EEXIST: 'is no directory',
  ENOSPC: 'lies on a disk that is full',
  EDQUOT: 'lies on a disk whose quota is used up',
};

/** For the entry of a program: where the compiled files cannot be written, one line says what to do. */
export const compileOrEnd = async (program, root = repository) => {
  try {
    await compile(root);
  } catch (error) {
    const problem = typeof error?.syscall === 'string' && WRITE_PROBLEMS[error.code];
    if (!problem) throw error;
    process.stderr.write(
      `${program}: the sources are newer than what was compiled from them, and ${join(root, 'dist')} ${problem}: ` +
        'make it writable for you, or have somebody who may write there run any command of it once\n',
    );
    process.exit(1);
  }
};

/** npm writes it after it has changed any package. */
const INSTALLED = 'node_modules/.package-lock.json';

/** What all of `dist/` depends on; a bundle has no tests, but one stamp is simpler than two. */
const stampOf = (root, sources) => {
  const bundler = readFileSync(new URL('bundle.mjs', import.meta.url), 'utf8');
  const packages = modified(join(root, INSTALLED));
  return digestOf([compilerStamp(), versionOf('rolldown'), bundler, packages, sources]);
};

const isCurrent = (root, stamp) => {
  const current = join(root, 'dist/bundle/current');
  return existsSync(current) && basename(realpathSync(current)) === stamp;
};

const readIfThere = (path) => (existsSync(path) ? readFileSync(path, 'utf8') : null);

const compileChanged = (root, sources) => {
  const compilerFile = join(root, 'dist/.compiler');
  const compiler = compilerStamp();
  const isSame = readIfThere(compilerFile) === compiler;
  const stale = sources.filter(
    ([source, millis]) => !isSame || modified(compiledPath(source, root)) !== millis,
  );
  for (const [source, millis] of stale) compileFile(root, source, millis);
  removeOrphans(root, new Set(sources.map(([source]) => compiledPath(source, root))));
  if (!isSame) {
    mkdirSync(join(root, 'dist'), { recursive: true });
    replaceFile(compilerFile, compiler);
  }
  return stale.length;
};

const bundlePrograms = async (root, sources, stamp) => {
  // Loading the bundler takes longer than to see that nothing has changed.
  const { bundle, makeCurrent, removeOld } = await import('./bundle.mjs');
  const bundles = join(root, 'dist/bundle');
  const programs = sources.map(([source]) => source).filter(isProgram);
  await bundle(root, programs, join(bundles, stamp));
  makeCurrent(bundles, stamp);
  removeOld(bundles);
};

/** Brings `dist/` up to date. Returns how many files were compiled. Throws where a source does not parse. */
export const compile = async (root = repository) => {
  const sources = sourcesIn(root).map((source) => [source, modified(join(root, source))]);
  const stamp = stampOf(root, sources);
  if (isCurrent(root, stamp)) return 0;
  const compiled = compileChanged(root, sources);
  await bundlePrograms(root, sources, stamp);
  return compiled;
};
