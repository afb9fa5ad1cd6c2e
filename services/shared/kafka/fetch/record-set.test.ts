import { readFileSync } from 'node:fs';
import { gzipSync } from 'node:zlib';
import fc from 'fast-check';
import lz4 from 'lz4-napi';
import snappy from 'snappy';
import {
  recordBatch,
  withChecksum,
  type MadeBatch,
} from '../../../../test/support/kafka/record-batch.ts';
import type { LogRecord } from '../../model/log-record.ts';
import { recordsOf } from '../../model/record-batch.ts';
import { codecsReady } from './codecs.ts';
import { readRecordSet } from './record-set.ts';
import type { UnreadableBatch } from './unreadable-batch.ts';

beforeAll(codecsReady);

const MIB = 1024 * 1024;
const END = 1_000;

interface Read {
  readonly records: readonly LogRecord[];
  readonly unreadable: UnreadableBatch | null;
}

const read = (set: Buffer, ofBatch = MIB, left = ofBatch): Read => {
  const { batches, unreadable } = readRecordSet(set, END, [], { ofBatch, left });
  return { records: recordsOf(batches), unreadable };
};

const offsetsOf = ({ records }: Read): number[] => records.map(({ offset }) => offset);

const batchAt = (firstOffset: number, others: Partial<MadeBatch> = {}): Buffer =>
  recordBatch({ firstOffset, records: [{ value: 'a' }, { value: 'b' }], ...others });

const changed = (batch: Buffer, change: (bytes: Buffer) => void): Buffer => {
  const copy = Buffer.from(batch);
  change(copy);
  return copy;
};

const RECORDED = JSON.parse(
  readFileSync(
    new URL('../../../../test/support/kafka/recorded-batches.json', import.meta.url),
    'utf8',
  ),
) as Readonly<Record<string, string>>;

// Three records each, written by librdkafka 2 and by the codecs of Kafka 4.1's broker.
test.each(Object.entries(RECORDED))(
  'one-lz4-batch-stops-all: a batch as %s compresses it is read',
  (name, text) => {
    const { records, unreadable } = read(Buffer.from(text, 'base64'));
    expect(unreadable).toBeNull();
    expect(records.map(({ key, value }) => [key?.toString(), value?.toString()])).toEqual(
      [0, 1, 2].map((n) => [`key-${String(n)}`, `value-${String(n)} `.repeat(200)]),
    );
    expect(records[1]?.headers).toEqual({ h: '1,2', n: '' });
    // A broker that sets the time gives all of them that of the batch.
    const times = new Set(records.map(({ timestamp }) => timestamp));
    expect(times.size).toBe(name.startsWith('broker') ? 1 : 3);
    if (times.size === 3) expect(records[2]?.timestamp).toBe(1700000000002);
  },
);

test('far-time: a time of any 64 bits is read as the number next to it', () => {
  const record = { value: '', timestampDelta: 2n ** 62n };
  const firstTimestamp = 2n ** 62n - 1n;
  const { records } = read(batchAt(0, { records: [record], firstTimestamp }));
  expect(records[0]?.timestamp).toBe(2 ** 63);
  const negative = batchAt(0, { records: [{ ...record, timestampDelta: -5n }] });
  expect(read(negative).records[0]?.timestamp).toBe(-5);
});

test.each([
  ['twice the same', [0, 0]],
  ['swapped', [1, 0]],
  ['beyond the last', [5, 6]],
])('a producer halts nothing by offsets of its own (%s): records stand as they come', (_, own) => {
  const records = own.map((offsetDelta, n) => ({ value: String(n), offsetDelta }));
  const found = read(Buffer.concat([batchAt(5, { records }), batchAt(7)]));
  expect(offsetsOf(found)).toEqual([5, 6, 7, 8]);
  expect(found.records.slice(0, 2).map(({ value }) => value?.toString())).toEqual(['0', '1']);
  expect(found.unreadable).toBeNull();
});

test('batches are read one after another; what did not fit the answer is left', () => {
  const set = Buffer.concat([batchAt(5), batchAt(7), batchAt(9).subarray(0, -1)]);
  const found = read(set);
  expect(offsetsOf(found)).toEqual([5, 6, 7, 8]);
  expect(found.unreadable).toBeNull();
});

test('within its budget an answer is read up to a whole batch, and the rest is asked for again', () => {
  const found = read(Buffer.concat([batchAt(5), batchAt(7)]), MIB, 1);
  expect(offsetsOf(found)).toEqual([5, 6]);
  expect(found.unreadable).toBeNull();
  expect(read(batchAt(5), MIB, 0)).toEqual({ records: [], unreadable: null });
});

const flip = (at: number) => (bytes: Buffer) => bytes.writeUInt8(bytes.readUInt8(at) ^ 1, at);
const rewrite = (change: (bytes: Buffer) => void) => (bytes: Buffer) => {
  change(bytes);
  withChecksum(bytes);
};

test.each<[string, (bytes: Buffer) => void, object]>([
  ['a flipped bit in a record', flip(64), { kind: 'damaged', next: 9 }],
  ['a flipped bit in its attributes', flip(22), { kind: 'damaged', next: 9 }],
  ['another format', (bytes) => bytes.writeInt8(3, 16), { kind: 'damaged', next: 9 }],
  [
    'a codec that Kafka does not have',
    rewrite((bytes) => bytes.writeInt16BE(6, 21)),
    { kind: 'codec', problem: expect.stringContaining('codec 6') as string, next: 9 },
  ],
  [
    'more records than it says',
    rewrite((bytes) => bytes.writeInt32BE(1, 57)),
    { kind: 'damaged', next: 9 },
  ],
  [
    'fewer records than it says',
    rewrite((bytes) => {
      bytes.writeInt32BE(3, 57);
      bytes.writeInt32BE(2, 23);
    }),
    { kind: 'damaged', next: 9 },
  ],
  [
    'a count that would take all memory',
    rewrite((bytes) => {
      bytes.writeInt32BE(2 ** 31 - 1, 57);
      bytes.writeInt32BE(2 ** 31 - 2, 23);
    }),
    { kind: 'too-large', next: 9 },
  ],
  [
    'a last offset that is not its own',
    (bytes) => bytes.writeInt32BE(500, 23),
    { kind: 'damaged', next: 9 },
  ],
])('a batch with %s is unreadable, and what stands before it is given', (_, change, expected) => {
  const set = Buffer.concat([batchAt(5), changed(batchAt(7), change), batchAt(9)]);
  const found = read(set);
  expect(offsetsOf(found)).toEqual([5, 6]);
  expect(found.unreadable).toMatchObject({ from: 7, ...expected });
});

test('where the last batch is unreadable, it says itself where the next one begins', () => {
  const found = read(changed(batchAt(7), flip(64)));
  expect(found.unreadable).toMatchObject({ from: 7, next: 9 });
  const nonsense = changed(batchAt(7), (bytes) => bytes.writeInt32BE(2 ** 31 - 1, 23));
  expect(read(nonsense).unreadable).toMatchObject({ from: 7, next: null });
});

test('offsets that are left out are told, not passed over', () => {
  const found = read(Buffer.concat([batchAt(5), batchAt(100)]));
  expect(offsetsOf(found)).toEqual([5, 6]);
  expect(found.unreadable).toMatchObject({ kind: 'missing', from: 7, next: 100 });
});

test.each<[string, Buffer]>([
  ['that is cut short', batchAt(5).subarray(0, -1)],
  ['whose length is damaged', changed(batchAt(5), (bytes) => bytes.writeInt32BE(-1, 8))],
  ['of a few bytes', Buffer.alloc(7)],
  ['of zeros, as after a power failure', Buffer.alloc(4096)],
  ['beyond the end of the log', batchAt(END)],
])('a first batch %s is unreadable: the next answer would be the same', (_, set) => {
  const found = read(set);
  expect(found.records).toEqual([]);
  expect(found.unreadable).toMatchObject({ kind: 'damaged', from: null, next: null });
});

test('no record at all is none', () => {
  expect(read(Buffer.alloc(0))).toEqual({ records: [], unreadable: null });
});

/** A Zstandard frame that does not say how long it is, of blocks that repeat a byte where they can. */
const zstdOf = (content: Buffer): Buffer => {
  const blocks: Buffer[] = [];
  for (let at = 0; at < content.length; at += 128 * 1024) {
    const part = content.subarray(at, at + 128 * 1024);
    const isRun = part.every((byte) => byte === part[0]);
    const header = Buffer.alloc(3);
    const isLast = at + part.length === content.length;
    header.writeUIntLE((part.length << 3) | (isRun ? 2 : 0) | (isLast ? 1 : 0), 0, 3);
    blocks.push(header, isRun ? part.subarray(0, 1) : part);
  }
  const window = 7 << 3; // 128 KiB
  return Buffer.concat([Buffer.from([0x28, 0xb5, 0x2f, 0xfd, 0, window]), ...blocks]);
};

test.each<[string, number, (records: Buffer) => Buffer]>([
  ['gzip', 1, (records) => gzipSync(records)],
  ['snappy', 2, (records) => snappy.compressSync(records)],
  ['lz4', 3, (records) => lz4.compressFrameSync(records)],
  ['zstd', 4, zstdOf],
])('a bomb of %s does not go off', (_, codec, compress) => {
  const value = ' '.repeat(3 * MIB);
  const bomb = batchAt(5, { records: [{ value }], attributes: codec, compress });
  expect(bomb.length).toBeLessThan(MIB / 3);
  expect(read(bomb).unreadable).toMatchObject({
    kind: 'too-large',
    problem: expect.stringContaining('KAFKA_MAX_BATCH_MIB') as string,
  });
  expect(read(bomb, 4 * MIB).records[0]?.value?.length).toBe(value.length);
});

test('whatever its bytes are, a batch is read or unreadable, within its memory and in little time', () => {
  const recorded = Object.values(RECORDED).map((text) => Buffer.from(text, 'base64'));
  const changes = fc.array(fc.tuple(fc.nat(), fc.nat(255)), { minLength: 1, maxLength: 6 });
  fc.assert(
    fc.property(fc.constantFrom(...recorded), changes, fc.boolean(), (batch, edits, isSigned) => {
      const hostile = changed(batch, (bytes) => {
        for (const [at, byte] of edits) bytes.writeUInt8(byte, 21 + (at % (bytes.length - 21)));
        if (isSigned) withChecksum(bytes); // as one who means harm would do
      });
      const { records, unreadable } = read(hostile);
      if (unreadable === null && !isSigned) expect(hostile).toEqual(batch);
      const bytes = records.reduce((sum, { value }) => sum + (value?.length ?? 0), 0);
      expect(bytes).toBeLessThanOrEqual(MIB);
    }),
    { numRuns: 2_000 },
  );
});
