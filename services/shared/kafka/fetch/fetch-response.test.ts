import { recordBatch } from '../../../../test/support/kafka/record-batch.ts';
import { readFetchResponse, type FetchResponse } from './fetch-response.ts';

interface Given {
  readonly error?: number;
  readonly set?: Buffer;
  readonly stable?: number;
  readonly aborted?: readonly (readonly [producer: number, first: number])[];
}

const int16 = (value: number): Buffer => Buffer.from([(value >> 8) & 0xff, value & 0xff]);
const int32 = (value: number): Buffer => {
  const bytes = Buffer.alloc(4);
  bytes.writeInt32BE(value);
  return bytes;
};
const int64 = (value: number): Buffer => {
  const bytes = Buffer.alloc(8);
  bytes.writeBigInt64BE(BigInt(value));
  return bytes;
};

const HIGH_WATERMARK = 100;

/** An answer of a broker about one topic, see https://kafka.apache.org/protocol#The_Messages_Fetch. */
const answer = (version: number, partitions: readonly Given[]): Buffer =>
  Buffer.concat([
    int32(17), // throttle time
    ...(version >= 7 ? [int16(0), int32(0)] : []),
    int32(1),
    int16('topic'.length),
    Buffer.from('topic'),
    int32(partitions.length),
    ...partitions.flatMap(({ error = 0, set = Buffer.alloc(0), stable, aborted = [] }, number) => [
      int32(number),
      int16(error),
      int64(HIGH_WATERMARK),
      int64(stable ?? HIGH_WATERMARK),
      ...(version >= 5 ? [int64(0)] : []),
      int32(aborted.length),
      ...aborted.flatMap(([producer, first]) => [int64(producer), int64(first)]),
      ...(version >= 11 ? [int32(-1)] : []),
      int32(set.length),
      set,
    ]),
  ]);

const MIB = 1024 * 1024;

const read = (bytes: Buffer, version = 11): FetchResponse['responses'][0]['partitions'] =>
  readFetchResponse(bytes, version, MIB, (code) => `ERROR_${String(code)}`).responses[0]
    ?.partitions ?? [];

const batch = recordBatch({ firstOffset: 5, records: [{ value: 'a' }] });

test.each([4, 5, 6, 7, 8, 9, 10, 11])('an answer of version %d is read', (version) => {
  const bytes = answer(version, [{ set: batch, aborted: [[7, 3]] }, { set: batch }]);
  const { throttleTime } = readFetchResponse(bytes, version, MIB, String);
  expect(throttleTime).toBe(version < 8 ? 17 : 0);
  const partitions = read(bytes, version);
  expect(partitions.map(({ partition }) => partition)).toEqual([0, 1]);
  for (const { messages, highWatermark } of partitions) {
    expect(messages).toMatchObject([{ offset: '5', batch: { firstOffset: 5, count: 1 } }]);
    expect(highWatermark).toBe('100');
  }
});

test('one-lz4-batch-stops-all: an error of one partition is no error of the answer', () => {
  const refused = [2, 29, 56, -1];
  const found = read(answer(11, [...refused.map((error) => ({ error })), { set: batch }]));
  expect(found.map(({ errorCode }) => errorCode)).toEqual([0, 0, 0, 0, 0]);
  expect(found.map(({ messages }) => messages)).toMatchObject([
    [{ unreadable: { kind: 'damaged', problem: expect.stringContaining('ERROR_2') as string } }],
    [{ unreadable: { kind: 'refused', problem: expect.stringContaining('ERROR_29') as string } }],
    [{ unreadable: { kind: 'refused' } }],
    [{ unreadable: { kind: 'damaged' } }],
    [{ offset: '5' }],
  ]);
});

test('appended-while-it-was-read: what the broker appended after it had noted the end of the log is read', () => {
  const atEnd = Buffer.concat([
    recordBatch({ firstOffset: HIGH_WATERMARK, records: [{ value: 'a' }] }),
    recordBatch({ firstOffset: HIGH_WATERMARK + 1, records: [{ value: 'b' }] }),
  ]);
  const readFrom = (asked: number): unknown =>
    readFetchResponse(answer(11, [{ set: atEnd }]), 11, MIB, String, () => asked).responses[0]
      ?.partitions[0]?.messages;
  expect(readFrom(HIGH_WATERMARK)).toMatchObject([{ offset: '100' }, { offset: '101' }]);
  expect(readFrom(7)).toMatchObject([{ unreadable: { kind: 'damaged', from: null } }]);
});

test('errors that kafkajs deals with reach it', () => {
  const handled = [1, 3, 5, 6, 9, 74, 75];
  const found = read(
    answer(
      11,
      handled.map((error) => ({ error })),
    ),
  );
  expect(found.map(({ errorCode }) => errorCode)).toEqual(handled);
  expect(found.flatMap(({ messages }) => messages)).toEqual([]);
});

test('what cannot be read of one partition leaves the others as they are', () => {
  const damaged = Buffer.from(batch);
  damaged.writeUInt8(damaged.readUInt8(64) ^ 1, 64);
  const [first, second] = read(answer(11, [{ set: damaged }, { set: batch }]));
  expect(first?.messages).toMatchObject([{ unreadable: { kind: 'damaged', from: 5, next: 6 } }]);
  expect(second?.messages).toMatchObject([{ offset: '5' }]);
});

test('a partition of which there is nothing says up to where that is as it should be', () => {
  const marks = (partitions: readonly Given[]): unknown[] =>
    read(answer(11, partitions)).map(({ messages }) => messages);
  expect(marks([{}, { stable: 50 }, { stable: -1 }])).toMatchObject([
    [{ unreadable: { kind: 'withheld' }, end: 100 }],
    [{ unreadable: { kind: 'withheld' }, end: 50 }],
    [{ unreadable: { kind: 'withheld' }, end: 100 }],
  ]);
  // Where there is much of another one, there may have been no room.
  const large = recordBatch({ firstOffset: 0, records: [{ value: 'x'.repeat(MIB) }] });
  expect(marks([{}, { set: large }])[0]).toEqual([]);
});

test.each([4, 11])(
  'records of aborted transactions reach nobody, in an answer of version %d',
  (version) => {
    const set = recordBatch({
      firstOffset: 5,
      records: [{ value: 'a' }, { value: 'b' }],
      producerId: 7,
      attributes: 0x10,
    });
    const [aborted, other] = read(
      answer(version, [
        { set, aborted: [[7, 3]] },
        { set, aborted: [[8, 3]] },
      ]),
      version,
    );
    expect(aborted?.messages).toMatchObject([
      { offset: '6', batch: { firstOffset: 5, lastOffset: 6, count: 0 } },
    ]);
    expect(other?.messages).toMatchObject([{ offset: '6', batch: { count: 2 } }]);
  },
);

test('an answer that is cut short is an error', () => {
  const whole = answer(11, [{ set: batch }]);
  for (let length = 0; length < whole.length; length++) {
    expect(() => read(whole.subarray(0, length))).toThrow(/out of range|outside buffer|cut short/);
  }
});
