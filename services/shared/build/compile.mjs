/**
 * Compiles the repository's TypeScript into `dist/`, once: every process then runs plain JavaScript.
 *
 * A compiled file has the modification time of its source. It is compiled again when the two differ. So a
 * changed source never runs stale, and a run in which nothing has changed only checks the times (some
 * 15 ms for 600 files). Types are checked by `npm run typecheck`, not here.
 */
import { createHash } from 'node:crypto';
import {
  existsSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  renameSync,
  rmSync,
  statSync,
  utimesSync,
  writeFileSync,
} from 'node:fs';
import { createRequire } from 'node:module';
import { dirname, join } from 'node:path';
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

/** What else the output depends on: the compiler's version and its options. */
const stamp = () => {
  const { version } = JSON.parse(readFileSync(require.resolve('@swc/core/package.json'), 'utf8'));
  return createHash('sha256')
    .update(JSON.stringify([version, options]))
    .digest('hex');
};

/** The path of the compiled file of a source, both relative to the repository. */
export const compiledPath = (source, root = repository) =>
  join(root, 'dist', source.replace(/\.ts$/, '.js'));

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
  );

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
export const compileOrEnd = (program, root = repository) => {
  try {
    compile(root);
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

/** Brings `dist/` up to date. Returns how many files were compiled. Throws where a source does not parse. */
export const compile = (root = repository) => {
  const stampFile = join(root, 'dist/.compiler');
  const wanted = stamp();
  const isSame = existsSync(stampFile) && readFileSync(stampFile, 'utf8') === wanted;
  const all = sourcesIn(root);
  const stale = all
    .map((source) => ({ source, millis: modified(join(root, source)) }))
    .filter(({ source, millis }) => !isSame || modified(compiledPath(source, root)) !== millis);
  for (const { source, millis } of stale) compileFile(root, source, millis);
  removeOrphans(root, new Set(all.map((source) => compiledPath(source, root))));
  if (!isSame) {
    mkdirSync(join(root, 'dist'), { recursive: true });
    replaceFile(stampFile, wanted);
  }
  return stale.length;
};
