import { ATTRIBUTES } from '../../model/event-texts.ts';
import { BlockTexts } from './block-texts.ts';
import { EncodedEvent } from './encode-event.ts';
import { TextTable } from './text-table.ts';

const encoded = new EncodedEvent();

const encode = (location: string, tags: string | null, additionalInfo: string | null) => {
  const ids = { subscriptionId: 's', meterId: 'm', resourceUri: 'r' };
  encoded.encode({ ...ids, location, tags, additionalInfo });
  return { source: encoded.source, places: encoded.layout.attributes };
};

const entryIn = (table: TextTable, ...texts: Parameters<typeof encode>): number => {
  const { source, places } = encode(...texts);
  return table.add(source, places, table.hash(source, places), { high: 0, low: 0 });
};

const rowOf = (block: BlockTexts, row: number) => block.stringsOf(row);

test('null and the empty text are told apart, in the objects and in the column', () => {
  const block = new BlockTexts(ATTRIBUTES);
  const table = new TextTable();
  block.setEntry(0, table, entryIn(table, 'a', null, ''));
  block.setEntry(1, table, entryIn(table, 'a', '', null));
  expect(rowOf(block, 0)).toEqual(['a', null, '']);
  expect(rowOf(block, 1)).toEqual(['a', '', null]);
  const [, tags] = block.columns({ from: 0, to: 2 });
  expect(Buffer.concat(tags?.data.slice(-1) ?? [])).toEqual(
    Buffer.from(new Uint32Array([0, 2]).buffer),
  );
});

test('a block keeps its texts when the table goes and another one numbers them anew', () => {
  const block = new BlockTexts(ATTRIBUTES);
  const [before, after] = [new TextTable(), new TextTable()];
  block.setEntry(0, before, entryIn(before, 'a', 'b', 'c'));
  block.setEntry(1, after, entryIn(after, 'x', 'y', 'z'));
  const { source, places } = encode('own', null, 'o');
  block.setOwn(2, source.bytes, places);
  encode('overwritten', 'overwritten', 'overwritten');
  expect([0, 1, 2].map((row) => rowOf(block, row))).toEqual([
    ['a', 'b', 'c'],
    ['x', 'y', 'z'],
    ['own', null, 'o'],
  ]);
});

test('a text that many rows have is sent once', () => {
  const block = new BlockTexts(ATTRIBUTES);
  const table = new TextTable();
  const entry = entryIn(table, 'west', 'T'.repeat(300), null);
  for (let row = 0; row < 1_000; row++) block.setEntry(row, table, entry);
  const [, tags] = block.columns({ from: 0, to: 1_000 });
  expect(tags?.type).toBe('LowCardinality(Nullable(String))');
  expect(Buffer.concat(tags?.data ?? []).length).toBeLessThan(300 + 1_000 * 4 + 64);
});

test('the bytes of a block are those of all rows, however often a text comes', () => {
  const block = new BlockTexts(ATTRIBUTES);
  const table = new TextTable();
  const entry = entryIn(table, 'west', 'T'.repeat(300), null);
  for (let row = 0; row < 10; row++) block.setEntry(row, table, entry);
  const { source, places } = encode('own', null, 'é');
  block.setOwn(10, source.bytes, places);
  expect(block.bytesOf({ from: 0, to: 11 })).toBe(10 * 304 + 5);
  expect(block.bytesOf({ from: 9, to: 11 })).toBe(304 + 5);
});

test('the keys of a block are its texts in lower case, of whatever length', () => {
  const block = new BlockTexts(ATTRIBUTES);
  const table = new TextTable();
  const long = 'AZ@['.repeat(16) + 'É'; // a length whose byte is a letter itself
  block.setEntry(0, table, entryIn(table, long, null, null));
  const { data } = block.loweredColumn(0, 'key', { from: 0, to: 1 });
  const dictionary = Buffer.from(data[3] ?? []);
  expect(dictionary[1]).toBe(66);
  expect(dictionary.subarray(2).toString('utf8')).toBe('az@['.repeat(16) + 'É');
});
