import { existsSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';

const findRoot = (directory: string): string =>
  existsSync(join(directory, 'package.json')) ? directory : findRoot(dirname(directory));

/** The repository's root: the same for sources and for the compiled files in `dist/`. */
const root = findRoot(dirname(fileURLToPath(import.meta.url)));

/** The absolute path of a file or folder of the repository. */
export const inRepository = (path: string): string => join(root, path);

/** Services that exist only for development: see docs/adr/0007-the-house-and-its-rooms.md. */
const STAND_INS: ReadonlySet<string> = new Set(['commerce', 'providers']);

/** The program of a service, such as `aggregator`. */
export const mainOf = (service: string): string =>
  `services/${STAND_INS.has(service) ? 'development/' : ''}${service}/main.ts`;

/** The programs of the services are bundled; those of tests run as they were compiled, file by file. */
const compiledFolder = (source: string): string =>
  /^services\/(.+\/)?main\.ts$/.test(source) ? 'dist/bundle/current' : 'dist';

/**
 * The arguments for `node` that run one of the repository's TypeScript programs as a process of its own.
 * The program that starts processes has already compiled them (`build/compile.mjs`).
 */
export const nodeArguments = (source: string): readonly string[] => [
  '--enable-source-maps',
  inRepository(`${compiledFolder(source)}/${source.replace(/\.ts$/, '.js')}`),
];
