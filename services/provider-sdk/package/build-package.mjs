/**
 * Makes the npm package of the provider SDK in `dist/provider-sdk`: `npm run sdk:build`, then
 * `npm pack ./dist/provider-sdk`.
 *
 * It is one JavaScript file with everything that is not native. kafkajs is inside, because parts of it are
 * replaced (ADR 6): a service that uses kafkajs itself must not get that one. Types are the declarations that
 * the entry refers to, and no others.
 */
import { spawnSync } from 'node:child_process';
import {
  cpSync,
  mkdirSync,
  mkdtempSync,
  readFileSync,
  renameSync,
  rmSync,
  writeFileSync,
} from 'node:fs';
import { builtinModules, createRequire } from 'node:module';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { rolldown } from 'rolldown';
import { INPUT_OPTIONS, NATIVE, OUTPUT_OPTIONS } from '../../shared/build/bundle.mjs';

const root = fileURLToPath(new URL('../../../', import.meta.url));
const require = createRequire(import.meta.url);
const ENTRY = 'services/provider-sdk/index';

const project = JSON.parse(readFileSync(join(root, 'package.json'), 'utf8'));

/** Returns what the bundle imports: the packages that must be installed with it. */
const bundleInto = async (folder) => {
  const build = await rolldown({
    ...INPUT_OPTIONS,
    external: [...NATIVE, 'pino'],
    cwd: root,
    input: { index: join(root, `${ENTRY}.ts`) },
  });
  const { output } = await build.generate({ ...OUTPUT_OPTIONS, sourcemap: false, dir: folder });
  await build.close();
  for (const { fileName, code } of output) {
    mkdirSync(dirname(join(folder, fileName)), { recursive: true });
    writeFileSync(join(folder, fileName), code);
  }
  const chunks = new Set(output.map(({ fileName }) => fileName));
  return [...new Set(output.flatMap(({ imports }) => imports))].filter(
    (name) => !chunks.has(name) && !name.startsWith('node:') && !builtinModules.includes(name),
  );
};

const compileTypes = (folder) => {
  const compiler = join(dirname(require.resolve('typescript/package.json')), 'bin/tsc');
  const config = join(root, 'services/provider-sdk/package/tsconfig.json');
  const { status } = spawnSync(process.execPath, [compiler, '-p', config, '--outDir', folder], {
    stdio: 'inherit',
  });
  if (status !== 0) throw new Error('the types of the SDK could not be compiled');
};

const IMPORT = /(from |import\()(['"])(\.[^'"]+)\.ts\2/g;

/** Copies a declaration and what it refers to. */
const copyTypes = (from, to, name, copied = new Set()) => {
  if (copied.has(name)) return;
  copied.add(name);
  const text = readFileSync(join(from, `${name}.d.ts`), 'utf8');
  mkdirSync(dirname(join(to, name)), { recursive: true });
  writeFileSync(join(to, `${name}.d.ts`), text.replace(IMPORT, '$1$2$3.js$2'));
  for (const [, , , path] of text.matchAll(IMPORT)) {
    copyTypes(from, to, join(dirname(name), path), copied);
  }
};

const manifest = (packages) => ({
  name: '@usage-pipeline/provider-sdk',
  version: project.version,
  description: 'Reports the usage of a resource provider: exact, each event once.',
  license: project.license,
  type: 'module',
  engines: project.engines,
  exports: { '.': { types: `./types/${ENTRY}.d.ts`, default: './index.js' } },
  dependencies: Object.fromEntries(packages.sort().map((name) => [name, versionOf(name)])),
});

const versionOf = (name) => {
  const version = project.dependencies[name];
  if (!version) throw new Error(`the SDK imports ${name}, which package.json does not have`);
  return version;
};

const target = join(root, 'dist/provider-sdk');
mkdirSync(join(root, 'dist'), { recursive: true });
const folder = mkdtempSync(join(root, 'dist/provider-sdk.new-'));
const declarations = mkdtempSync(join(root, 'dist/provider-sdk.types-'));
try {
  const packages = await bundleInto(folder);
  compileTypes(declarations);
  copyTypes(declarations, join(folder, 'types'), ENTRY);
  for (const name of ['schemas', 'LICENSE']) {
    cpSync(join(root, name), join(folder, name), {
      recursive: true,
      filter: (path) => !path.endsWith('.ts'),
    });
  }
  cpSync(join(root, 'docs/providers.md'), join(folder, 'README.md'));
  writeFileSync(join(folder, 'package.json'), `${JSON.stringify(manifest(packages), null, 2)}\n`);
  rmSync(target, { recursive: true, force: true });
  renameSync(folder, target);
} finally {
  rmSync(folder, { recursive: true, force: true });
  rmSync(declarations, { recursive: true, force: true });
}
