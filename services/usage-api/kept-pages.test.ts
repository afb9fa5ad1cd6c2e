import { usageRow } from '../../test/support/usage-row.ts';
import { KeptPages, pageName } from './kept-pages.ts';
import type { PageText } from './page-text.ts';

const page = (n: number, characters = 10): PageText => ({
  rows: n,
  list: Buffer.from(
    Array.from({ length: characters }, () => Math.random().toString(36)[2]).join(''),
  ),
  end: usageRow(n),
});

const held = (kept: KeptPages): readonly number[] =>
  Array.from({ length: 20 }, (_, n) => n).filter((n) => kept.get(String(n)) !== null);

test('a page comes back as it was, as often as it is asked for, and to its own answer alone', () => {
  const kept = new KeptPages();
  const given = page(1, 100_000);
  const name = pageName('answer', usageRow(1));
  kept.keep(name, given);
  for (let n = 0; n < 2; n++) expect(kept.get(name)).toEqual(given);
  for (const other of [
    pageName('restated', usageRow(1)),
    pageName('answer', usageRow(2)),
    pageName('answer', usageRow(1, 3600)),
    pageName('answer', null),
  ]) {
    expect(kept.get(other)).toBeNull();
  }
});

test('what comes back can be changed without changing what is kept', () => {
  const kept = new KeptPages();
  const given = page(1);
  const list = Buffer.from(given.list);
  kept.keep('a', given);
  given.list.fill(0);
  kept.get('a')?.list.fill(0);
  expect(kept.get('a')?.list).toEqual(list);
});

test('however many answers are read, no more bytes are kept than may be: the page that nobody has asked for longest goes first', () => {
  const kept = new KeptPages(10_000);
  for (let n = 0; n < 4; n++) kept.keep(String(n), page(n, 1_500));
  expect(kept.get('0')).not.toBeNull();
  for (let n = 4; n < 6; n++) kept.keep(String(n), page(n, 1_500));
  expect(held(kept)).toEqual([0, 3, 4, 5]);
});

test('a page that is kept already is not counted twice', () => {
  const kept = new KeptPages(10_000);
  for (let n = 0; n < 50; n++) kept.keep('0', page(0, 1_500));
  for (let n = 1; n < 4; n++) kept.keep(String(n), page(n, 1_500));
  expect(held(kept)).toEqual([0, 1, 2, 3]);
});

test('pages-of-long-tags: a page that is longer than all that may be kept is read each time, and drops no other', () => {
  const kept = new KeptPages(10_000);
  kept.keep('0', page(0));
  kept.keep('1', page(1, 100_000));
  expect(held(kept)).toEqual([0]);
});

test('many small pages are counted with what they take besides their rows', () => {
  const kept = new KeptPages(5_000);
  for (let n = 0; n < 20; n++) kept.keep(String(n), page(n, 1));
  expect(held(kept).length).toBeLessThan(10);
});
