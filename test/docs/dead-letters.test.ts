import { expect, test } from '@jest/globals';
import { DEAD_LETTERS } from '../../services/shared/model/dead-letter.ts';
import { documentAt } from './markdown.ts';

/** A command in a text stands in quotes, in a page in a font of its own. */
const inPage = (text: string): string => text.replace(/"(usagectl [^"]+)"/g, '`$1`');

test('the table of codes on the page is that of the code, in its order', () => {
  const { text } = documentAt('docs/dead-letters.md');
  const table = text.slice(text.indexOf('\n## Codes'), text.indexOf('\n## Many records'));
  const rows = [...table.matchAll(/^\| `([\w-]+)` *\| (.+?) *\| (.+?) *\|$/gm)].map((found) =>
    found.slice(1),
  );
  expect(rows).toEqual(
    Object.entries(DEAD_LETTERS).map(([code, { problem, remedy }]) => [
      code,
      inPage(problem),
      inPage(remedy),
    ]),
  );
});
