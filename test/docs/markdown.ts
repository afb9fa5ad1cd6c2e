import { execFileSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { inRepository } from '../../services/shared/process/repository.ts';

/** A file of the repository as it stands in the work tree. */
export interface Document {
  readonly path: string;
  readonly text: string;
}

/** Files that git knows, or would add. */
export const filesOf = (...patterns: readonly string[]): readonly string[] =>
  execFileSync(
    'git',
    ['ls-files', '--cached', '--others', '--exclude-standard', '--deduplicate', '--', ...patterns],
    { cwd: inRepository('.'), encoding: 'utf8', maxBuffer: 16 * 1024 * 1024 },
  )
    .split('\n')
    .filter((path) => path !== '');

export const documentAt = (path: string): Document => ({
  path,
  text: readFileSync(inRepository(path), 'utf8'),
});

const FENCE = /^```[^]*?^```$/gm;

export const withoutFences = ({ text }: Document): string => text.replace(FENCE, '');

/** The titles of a page's headings. */
export const headingsOf = (page: Document): readonly string[] =>
  [...withoutFences(page).matchAll(/^#+ (.+)$/gm)].map(([, title = '']) => title);

/** The anchor that GitHub gives a heading. */
export const anchorOf = (title: string): string =>
  title
    .toLowerCase()
    .replace(/[^\p{L}\p{N}\s_-]/gu, '')
    .replace(/\s/g, '-');
