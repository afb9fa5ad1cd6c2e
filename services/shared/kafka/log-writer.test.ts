import fc from 'fast-check';
import { chunksOf } from './log-writer.ts';
import type { NewRecord } from './new-record.ts';

const ofSize = (bytes: number): NewRecord => ({ key: null, value: Buffer.alloc(bytes) });
const OVERHEAD = 70;

const sizeOf = (chunk: readonly NewRecord[]): number =>
  chunk.reduce((sum, { key, value, headers = {} }) => {
    const texts = Object.entries(headers).flat();
    const headerBytes = texts.reduce((bytes, text) => bytes + Buffer.byteLength(text), 0);
    return (
      sum +
      OVERHEAD +
      Buffer.byteLength(key ?? '') +
      (value?.length ?? 0) +
      headerBytes +
      2 * texts.length
    );
  }, 0);

const records = fc.array(
  fc.record(
    {
      key: fc.oneof(
        fc.constant(null),
        fc.string({ unit: 'grapheme' }),
        fc.string().map((s) => Buffer.from(s)),
      ),
      value: fc.oneof(
        fc.constant(null),
        fc.integer({ min: 0, max: 400 }).map((n) => Buffer.alloc(n)),
      ),
      headers: fc.dictionary(fc.string(), fc.string({ unit: 'grapheme' })),
    },
    { requiredKeys: ['key', 'value'] },
  ),
) as fc.Arbitrary<NewRecord[]>;

test('chunks hold all records in order, none of them is empty, and only a large record is too large', () => {
  fc.assert(
    fc.property(records, fc.integer({ min: 1, max: 1000 }), (given, maxBytes) => {
      const chunks = chunksOf(given, maxBytes);
      expect(chunks.flat()).toEqual(given);
      for (const chunk of chunks) {
        expect(chunk.length).toBeGreaterThan(0);
        expect(chunk.length === 1 || sizeOf(chunk) <= maxBytes).toBe(true);
      }
      // No chunk could have taken the first record of the next one.
      chunks.slice(1).forEach((chunk, n) => {
        expect(sizeOf([...(chunks[n] ?? []), ...chunk.slice(0, 1)])).toBeGreaterThan(maxBytes);
      });
    }),
  );
});

test('nothing makes no chunk', () => {
  expect(chunksOf([])).toEqual([]);
});

test('by default a chunk stays at half a MiB', () => {
  const chunks = chunksOf(Array.from({ length: 100 }, () => ofSize(100_000)));
  expect(Math.max(...chunks.map(sizeOf))).toBeLessThanOrEqual(512 * 1024);
  expect(chunks).toHaveLength(20);
});

test('a record larger than a chunk is sent by itself', () => {
  expect(
    chunksOf([ofSize(10), ofSize(5000), ofSize(10)], 1000).map((chunk) => chunk.length),
  ).toEqual([1, 1, 1]);
});
