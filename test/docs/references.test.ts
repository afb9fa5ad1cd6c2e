import { describe, expect, test } from '@jest/globals';
import { existsSync } from 'node:fs';
import { basename, dirname, join } from 'node:path/posix';
import { inRepository } from '../../services/shared/process/repository.ts';
import { anchorOf, documentAt, filesOf, headingsOf, withoutFences } from './markdown.ts';

const PAGES = filesOf('*.md')
  .filter((path) => existsSync(inRepository(path)))
  .map(documentAt);
const CODE = filesOf('services', 'schemas', 'test', 'deploy', '*.mjs', '*.cjs')
  .filter((path) => /\.(?:ts|mjs|cjs|sql)$/.test(path) && existsSync(inRepository(path)))
  .map(documentAt);

const pageAt = (path: string): (typeof PAGES)[number] | undefined =>
  PAGES.find((page) => page.path === path);

describe('nothing refers to nowhere', () => {
  test('every link of a page leads to a file, and to a heading that it has', () => {
    const broken = PAGES.flatMap((page) =>
      [...withoutFences(page).matchAll(/\]\(([^)\s]+)\)/g)].flatMap(([, link = '']) => {
        if (/^https?:/.test(link)) return [];
        const [file = '', anchor] = link.split('#');
        const path = file === '' ? page.path : join(dirname(page.path), file);
        if (!existsSync(inRepository(path))) return [`${page.path}: ${link}`];
        if (anchor === undefined) return [];
        const target = pageAt(path);
        return target && headingsOf(target).map(anchorOf).includes(anchor)
          ? []
          : [`${page.path}: ${link}`];
      }),
    );
    expect(broken).toEqual([]);
  });

  test('every page and heading that the code names is there', () => {
    // A comment or a message may be broken over lines, in the middle of a name too.
    const broken = CODE.flatMap(({ path, text }) =>
      [
        ...text.matchAll(/docs\/([\w/-]+\.md)((?:,\s*(?:\*\s*)?| and\s+(?:\*\s*)?)"([^"\n]+)")?/g),
      ].flatMap(([all, file = '', , heading]) => {
        const page = pageAt(`docs/${file}`);
        if (!page) return [`${path}: ${all}`];
        return heading === undefined || headingsOf(page).includes(heading)
          ? []
          : [`${path}: ${all}`];
      }),
    );
    expect(broken).toEqual([]);
  });

  test('every path that a page names is there', () => {
    // A decision speaks of the paths of its day, the change log of those of a release, status of plans.
    const ofItsDay = /^(?:docs\/adr\/|docs\/status\.md|CHANGELOG\.md)/;
    const broken = PAGES.filter(({ path }) => !ofItsDay.test(path)).flatMap((page) =>
      [
        ...withoutFences(page).matchAll(
          /`((?:services|test|deploy|schemas|docs|samples|\.ci)\/[\w./-]*)`/g,
        ),
      ].flatMap(([, path = '']) =>
        existsSync(inRepository(path)) ? [] : [`${page.path}: ${path}`],
      ),
    );
    expect(broken).toEqual([]);
  });

  test('every test that a page names is there', () => {
    const tests = new Set(filesOf('*.test.ts').map((path) => basename(path)));
    const broken = PAGES.flatMap((page) =>
      [...page.text.matchAll(/`(?:[\w./-]*\/)?([\w.-]+\.test\.ts)`/g)].flatMap(([, name = '']) =>
        tests.has(name) ? [] : [`${page.path}: ${name}`],
      ),
    );
    expect(broken).toEqual([]);
  });

  test('every npm script that a page names is one', () => {
    const { scripts } = JSON.parse(documentAt('package.json').text) as {
      scripts: Record<string, string>;
    };
    const broken = PAGES.flatMap((page) =>
      [...page.text.matchAll(/npm run (?:-s )?([\w:-]+)/g)].flatMap(([, name = '']) =>
        name in scripts ? [] : [`${page.path}: npm run ${name}`],
      ),
    );
    expect(broken).toEqual([]);
  });
});
