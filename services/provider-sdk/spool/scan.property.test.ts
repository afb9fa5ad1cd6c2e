import fc from 'fast-check';
import { encodeFrames, type SpooledRecord } from './frame.ts';
import { scanFrames, type Scanned } from './scan.ts';

const someRecords = fc.array(
  fc.record({
    key: fc.string({ unit: 'grapheme', maxLength: 12 }),
    value: fc.uint8Array({ maxLength: 40 }),
  }),
  { minLength: 1, maxLength: 12 },
);

const plain = (given: readonly SpooledRecord[]): string[] =>
  given.map(({ key, value }) => `${key} ${Buffer.from(value).toString('hex')}`);

const read = ({ records }: Scanned): string[] => plain(records);

const FIRST = 7;

test('records are read as they were written, with consecutive numbers', () => {
  fc.assert(
    fc.property(someRecords, (given) => {
      const scanned = scanFrames(encodeFrames(given, FIRST), 0, FIRST);
      expect(read(scanned)).toEqual(plain(given));
      expect(scanned.records.map(({ number }) => number)).toEqual(given.map((_, n) => FIRST + n));
      expect(scanned).toMatchObject({
        unreadable: [],
        tornAt: null,
        nextNumber: FIRST + given.length,
      });
    }),
  );
});

test('a file that ends at any byte is torn where its last frame begins, and never damaged', () => {
  fc.assert(
    fc.property(someRecords, (given) => {
      const bytes = encodeFrames(given, FIRST);
      const ends = given.map((_, n) => encodeFrames(given.slice(0, n + 1), FIRST).length);
      for (let length = 0; length < bytes.length; length++) {
        const scanned = scanFrames(bytes.subarray(0, length), 0, FIRST);
        const whole = ends.filter((end) => end <= length).length;
        expect(read(scanned)).toEqual(plain(given.slice(0, whole)));
        const end = whole === 0 ? 0 : ends[whole - 1];
        expect(scanned.tornAt).toBe(end === length ? null : end);
        expect(scanned.unreadable).toEqual([]);
      }
    }),
    { numRuns: 20 },
  );
});

test('a file whose end the system has filled with zeros is torn', () => {
  fc.assert(
    fc.property(someRecords, fc.integer({ min: 1, max: 100 }), (given, zeros) => {
      const bytes = encodeFrames(given, FIRST);
      const scanned = scanFrames(Buffer.concat([bytes, Buffer.alloc(zeros)]), 0, FIRST);
      expect(read(scanned)).toEqual(plain(given));
      expect(scanned).toMatchObject({ unreadable: [], tornAt: bytes.length });
    }),
  );
});

test('any changed byte costs its own record alone, and is seen', () => {
  fc.assert(
    fc.property(someRecords, fc.integer({ min: 1, max: 255 }), (given, change) => {
      const bytes = encodeFrames(given, FIRST);
      const ends = given.map((_, n) => encodeFrames(given.slice(0, n + 1), FIRST).length);
      for (let at = 0; at < bytes.length; at++) {
        const damaged = Buffer.from(bytes);
        damaged[at] = (damaged[at] ?? 0) ^ change;
        const scanned = scanFrames(damaged, 0, FIRST);
        const hit = ends.findIndex((end) => at < end);
        expect(read(scanned)).toEqual(plain(given.filter((_, n) => n !== hit)));
        expect(scanned.unreadable).toHaveLength(1);
        expect(scanned.nextNumber).toBe(FIRST + given.length);
      }
    }),
    { numRuns: 30 },
  );
});

test('whatever bytes there are, reading ends, and no byte is both read and unreadable', () => {
  fc.assert(
    fc.property(
      someRecords,
      fc.uint8Array({ maxLength: 80 }),
      fc.nat(),
      (given, garbage, where) => {
        const bytes = encodeFrames(given, FIRST);
        const at = where % (bytes.length + 1);
        const mixed = Buffer.concat([bytes.subarray(0, at), garbage, bytes.subarray(at)]);
        const { records, unreadable, tornAt } = scanFrames(mixed, 0, FIRST);
        const readBytes = records.reduce((sum, { frameBytes }) => sum + frameBytes, 0);
        const lost = unreadable.reduce((sum, { from, to }) => sum + to - from, 0);
        expect(readBytes + lost + (tornAt === null ? 0 : mixed.length - tornAt)).toBe(mixed.length);
      },
    ),
  );
});
