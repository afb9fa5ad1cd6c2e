import { usageRow } from '../../test/support/usage-row.ts';
import { PAGES_AT_ONCE, PagesAhead } from './pages-ahead.ts';
import type { UsageRow } from './usage-row.ts';

const PAGE = 2;

const rowsFrom = (first: number, count: number): readonly UsageRow[] =>
  Array.from({ length: count }, (_, n) => usageRow(first + n));

/** What is held behind each row, as the numbers of its rows. */
const held = (ahead: PagesAhead, digest: string, upTo: number): Readonly<Record<number, string>> =>
  Object.fromEntries(
    rowsFrom(0, upTo).flatMap((row, n) => {
      const page = ahead.take(digest, row);
      return page ? [[n, page.map(({ resourceUri }) => resourceUri).join(' ')]] : [];
    }),
  );

test.each([
  [0, '', {}],
  [1, '0', {}],
  [2, '0 1', {}],
  [3, '0 1 2', { 1: '2' }],
  [5, '0 1 2', { 1: '2 3 4', 3: '4' }],
  [8, '0 1 2', { 1: '2 3 4', 3: '4 5 6', 5: '6 7' }],
  // The row after the last page tells that there is another one; what follows it was not read.
  [9, '0 1 2', { 1: '2 3 4', 3: '4 5 6', 5: '6 7 8' }],
])('of %i rows each page is held behind the last row of the one before', (count, first, rest) => {
  expect(PAGES_AT_ONCE).toBe(4);
  const ahead = new PagesAhead();
  const page = ahead.split('answer', rowsFrom(0, count), PAGE);
  expect(page.map(({ resourceUri }) => resourceUri).join(' ')).toBe(first);
  expect(held(ahead, 'answer', count)).toEqual(rest);
});

test('a page is handed out once, and to its own answer alone', () => {
  const ahead = new PagesAhead();
  ahead.split('answer', rowsFrom(0, 5), PAGE);
  expect(held(ahead, 'restated', 5)).toEqual({});
  expect(ahead.take('answer', usageRow(1))).toHaveLength(3);
  expect(ahead.take('answer', usageRow(1))).toBeNull();
});

test('however many answers are begun, no more pages are held than may be', () => {
  const ahead = new PagesAhead(5);
  for (let n = 0; n < 10; n++) ahead.split(`answer ${String(n)}`, rowsFrom(0, 9), PAGE);
  const counts = Array.from(
    { length: 10 },
    (_, n) => Object.keys(held(ahead, `answer ${String(n)}`, 9)).length,
  );
  expect(counts).toEqual([0, 0, 0, 0, 0, 0, 0, 0, 2, 3]);
});

test('pages-of-long-tags: what is held has a limit in characters too, so that nobody fills the memory with answers that are not read on', () => {
  const tags = 'x'.repeat(100);
  const long = rowsFrom(0, 9).map((row) => ({ ...row, tags }));
  const ahead = new PagesAhead(48, 1_700);
  for (let n = 0; n < 10; n++) ahead.split(`answer ${String(n)}`, long, PAGE);
  const counts = () =>
    Array.from({ length: 10 }, (_, n) => Object.keys(held(ahead, `answer ${String(n)}`, 9)).length);
  expect(counts()).toEqual([0, 0, 0, 0, 0, 0, 0, 0, 2, 3]);
  // What is handed out makes room, and a page that is held already is not counted twice.
  for (let n = 0; n < 3; n++) ahead.split('again', long, PAGE);
  ahead.split('other', rowsFrom(0, 9), PAGE);
  expect(Object.keys(held(ahead, 'again', 9))).toHaveLength(3);
  expect(Object.keys(held(ahead, 'other', 9))).toHaveLength(3);
});

test('a page that is longer than all that may be held is read when it is asked for', () => {
  const ahead = new PagesAhead(48, 100);
  const long = rowsFrom(0, 9).map((row) => ({ ...row, additionalInfo: 'x'.repeat(100) }));
  expect(ahead.split('answer', long, PAGE)).toHaveLength(PAGE + 1);
  expect(held(ahead, 'answer', 9)).toEqual({});
});
