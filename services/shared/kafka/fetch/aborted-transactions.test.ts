import { recordBatch } from '../../../../test/support/kafka/record-batch.ts';
import { recordsOf } from '../../model/record-batch.ts';
import type { AbortedTransaction } from './aborted-transactions.ts';
import { readRecordSet } from './record-set.ts';

const TRANSACTIONAL = 0x10;
const CONTROL = 0x20;

interface Made {
  readonly firstOffset: number;
  readonly producerId?: number;
  readonly values?: readonly string[];
}

const plain = ({ firstOffset, producerId, values = ['plain'] }: Made): Buffer =>
  recordBatch({
    firstOffset,
    records: values.map((value) => ({ value })),
    ...(producerId !== undefined && { producerId }),
  });

const transactional = ({ firstOffset, producerId = 1, values = ['in it'] }: Made): Buffer =>
  recordBatch({
    firstOffset,
    records: values.map((value) => ({ value })),
    producerId,
    attributes: TRANSACTIONAL,
  });

/** Its key says 0 for an abort, 1 for a commit. */
const marker = (firstOffset: number, producerId: number, kind: 'abort' | 'commit'): Buffer =>
  recordBatch({
    firstOffset,
    records: [{ key: Buffer.from([0, 0, 0, kind === 'abort' ? 0 : 1]), value: 'm' }],
    producerId,
    attributes: TRANSACTIONAL | CONTROL,
  });

const aborted = (...list: readonly (readonly [producer: number, first: number])[]) =>
  list.map(([producer, firstOffset]): AbortedTransaction => ({
    producerId: BigInt(producer),
    firstOffset,
  }));

const offsetsOf = (set: readonly Buffer[], list: readonly AbortedTransaction[]): number[] => {
  const budget = { ofBatch: 1e9, left: 1e9 };
  const { batches, unreadable } = readRecordSet(Buffer.concat(set), 100, list, budget);
  expect(unreadable).toBeNull();
  return recordsOf(batches).map(({ offset }) => offset);
};

test('what a transaction wrote is read unless it was aborted; its marker never is', () => {
  const set = (kind: 'abort' | 'commit'): Buffer[] => [
    transactional({ firstOffset: 5, values: ['a', 'b'] }),
    plain({ firstOffset: 7 }),
    marker(8, 1, kind),
    plain({ firstOffset: 9 }),
  ];
  expect(offsetsOf(set('commit'), [])).toEqual([5, 6, 7, 9]);
  expect(offsetsOf(set('abort'), aborted([1, 5]))).toEqual([7, 9]);
});

test('a producer that has aborted one transaction is read again in the next one', () => {
  const set = [
    transactional({ firstOffset: 5 }),
    marker(6, 1, 'abort'),
    transactional({ firstOffset: 7 }),
    marker(8, 1, 'commit'),
  ];
  expect(offsetsOf(set, aborted([1, 5]))).toEqual([7]);
});

test('aborted transactions are left out though the broker lists the one that ended first first', () => {
  const set = [
    transactional({ firstOffset: 5, producerId: 2 }), // it began first and ends last
    transactional({ firstOffset: 6, producerId: 1 }),
    marker(7, 1, 'abort'),
    transactional({ firstOffset: 8, producerId: 2 }),
    marker(9, 2, 'abort'),
    plain({ firstOffset: 10 }),
  ];
  expect(offsetsOf(set, aborted([1, 6], [2, 5]))).toEqual([10]);
});

test('many that began before what was fetched are left out from its first record on', () => {
  const set = [3, 2, 1].map((producerId, n) => transactional({ firstOffset: 50 + n, producerId }));
  expect(offsetsOf(set, aborted([1, 10], [2, 11], [3, 12]))).toEqual([]);
});

test('a record whose key looks like the marker of an abort ends no transaction', () => {
  const looksLikeIt = recordBatch({
    firstOffset: 6,
    records: [{ key: Buffer.alloc(4), value: 'x' }],
    producerId: 1,
  });
  const set = [transactional({ firstOffset: 5 }), looksLikeIt, transactional({ firstOffset: 7 })];
  expect(offsetsOf(set, aborted([1, 5]))).toEqual([6]);
});
