import { existsSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';

const findRoot = (directory: string): string =>
  existsSync(join(directory, 'package.json')) ? directory : findRoot(dirname(directory));

/** The repository's root: the same for sources and for what is compiled from them in `dist/`. */
const root = findRoot(dirname(fileURLToPath(import.meta.url)));

/** The absolute path of a file or folder of the repository. */
export const inRepository = (path: string): string => join(root, path);

/**
 * How to run one of the repository's TypeScript programs as a process of its own: the arguments for
 * `node`. The program that starts processes has had them compiled (`build/compile.mjs`).
 */
export const nodeArguments = (source: string): readonly string[] => [
  '--enable-source-maps',
  inRepository(`dist/${source.replace(/\.ts$/, '.js')}`),
];
