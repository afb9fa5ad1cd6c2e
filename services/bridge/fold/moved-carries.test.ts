import fc from 'fast-check';
import {
  carryRecord,
  hour,
  hourRecords,
  knowledgeOf,
  logOf,
  markerRecord,
  moveRecord,
  sourceOf,
  stranger,
  type Unplaced,
} from '../../../test/support/bridge/aggregates-log.ts';
import { carryInto } from '../../../test/support/bridge/examples.ts';
import type { Quantity } from '../../shared/model/decimal.ts';
import { partitionName } from '../../shared/model/source.ts';
import { cut, foldRecord, resumeOffset, stateAt, type BridgeState } from './bridge-fold.ts';
import type { ComposedBefore } from './source-progress.ts';

const SOURCE = sourceOf({ partitions: 1 });
const AT = { topic: SOURCE.topic, epoch: 1, partition: 0 };
const NEXT = { topic: SOURCE.topic, epoch: 2, partition: 1 };
const OTHER = { topic: 'usage.events.other', epoch: 1, partition: 0 };

const idOf = (n: number): string => `00000000-0000-4000-8000-00000000000${String(n)}`;
const carry = (n: number, moves = 0): Unplaced =>
  carryRecord(carryInto(AT, { submissionId: idOf(n), quantity: 1n as Quantity, moves }));
const move = (n: number, to = NEXT, moves = 0): Unplaced =>
  moveRecord({ ...AT, submissionId: idOf(n), moves, to });
const closed = (h: number): Unplaced => markerRecord(AT, hour(h), []);

const fold = (
  records: readonly Unplaced[],
  before: Readonly<Record<string, ComposedBefore>> = {},
  state: BridgeState = stateAt(0, new Map(Object.entries(before))),
): BridgeState => {
  for (const record of logOf(records).slice(state.nextOffset)) {
    foldRecord(state, record, knowledgeOf([SOURCE]));
  }
  return state;
};

/** What is composed, and what goes on to where. */
const told = (state: BridgeState) => ({
  composed: state.due.flatMap(({ carries }) => carries.map(({ submissionId }) => submissionId)),
  moving: [...state.sources.values()].flatMap(({ moving }) =>
    [...moving.values()].map(({ submissionId, to }) => [submissionId, to]),
  ),
});

test('a carry that waits goes where the first move says, and is not composed here', () => {
  expect(told(fold([carry(1), move(1), move(1, OTHER), closed(0)]))).toEqual({
    composed: [],
    moving: [[idOf(1), NEXT]],
  });
});

test('a later carry of what was moved away does not count', () => {
  expect(told(fold([carry(1), move(1), carry(1), closed(0)])).composed).toEqual([]);
});

test('a move after the carry is composed has no effect', () => {
  expect(told(fold([carry(1), closed(0), move(1)]))).toEqual({ composed: [idOf(1)], moving: [] });
});

test('a move of what was never carried has no effect: a later carry counts', () => {
  expect(told(fold([move(1), carry(1), closed(0)]))).toEqual({ composed: [idOf(1)], moving: [] });
});

test('until a moved carry is at its new place, a restart reads it and its move again', () => {
  const records = [closed(0), carry(1), move(1), closed(1)];
  const state = fold(records);
  expect(resumeOffset(state)).toBe(1);
  for (const { moving } of state.sources.values()) moving.clear();
  expect(resumeOffset(state)).toBe(4);
});

test('a restart knows what was moved away, and neither composes nor moves it again', () => {
  const before = {
    [partitionName(AT)]: { composedThrough: null, carried: new Set([`${idOf(1)}#0`]) },
  };
  expect(told(fold([carry(1), move(1), closed(0)], before))).toEqual({ composed: [], moving: [] });
});

test('a carry that comes back to where it was counts again, because its provider came back', () => {
  const records = [carry(1), move(1), carry(1, 2), closed(0)];
  expect(told(fold(records)).composed).toEqual([idOf(1)]);
  const before = {
    [partitionName(AT)]: { composedThrough: null, carried: new Set([`${idOf(1)}#0`]) },
  };
  expect(told(fold(records, before)).composed).toEqual([idOf(1)]);
});

test('another move of an earlier stop, which comes late, does not move what has come back', () => {
  const back = [carry(1), move(1), carry(1, 2), move(1, OTHER)];
  expect(told(fold([...back, closed(0)])).composed).toEqual([idOf(1)]);
  const left = fold([...back, move(1, OTHER, 2), closed(0)]);
  expect(told(left)).toEqual({
    composed: [],
    moving: [
      [idOf(1), NEXT],
      [idOf(1), OTHER],
    ],
  });
});

test('once it is composed, no carry of a submission counts, however often it was moved', () => {
  expect(told(fold([carry(1, 2), closed(0), carry(1), carry(1, 4), closed(1)])).composed).toEqual([
    idOf(1),
  ]);
});

test('a stranger moves nothing', () => {
  const forged = moveRecord({ ...AT, submissionId: idOf(1), moves: 0, to: OTHER }, stranger);
  const state = fold([carry(1), forged, closed(0)]);
  expect(told(state)).toEqual({ composed: [idOf(1)], moving: [] });
  expect(cut(state).refused.map(({ code }) => code)).toEqual(['forged-control']);
});

test.each([
  ['nonsense', '{}'],
  ['no place to go', JSON.stringify({ ...AT, submissionId: idOf(1), moves: 0, to: null })],
])('a moved record of %s is refused', (_, body) => {
  const record = { ...move(1), value: Buffer.from(body) };
  expect(cut(fold([record])).refused.map(({ code }) => code)).toEqual(['invalid-control']);
});

/** Carries, moves and closed hours, in any order. */
const records = fc
  .array(fc.tuple(fc.constantFrom('carry', 'move', 'other', 'close'), fc.nat(3)), {
    maxLength: 30,
  })
  .map((steps) => {
    let h = 0;
    return steps.map(([step, n]) => {
      if (step === 'carry') return carry(n);
      if (step === 'move') return move(n);
      return step === 'other' ? move(n, OTHER) : (hourRecords(AT, hour(h++), [])[0] ?? closed(0));
    });
  });

test('whatever the order, each carried submission is composed once or moved once, never both', () => {
  fc.assert(
    fc.property(records, (log) => {
      const { composed, moving } = told(fold(log));
      const all = [...composed, ...moving.map(([id]) => id)];
      expect(new Set(all).size).toBe(all.length);
    }),
    { numRuns: 500 },
  );
});

test('whoever reads the log, and from whichever restart, comes to the same', () => {
  fc.assert(
    fc.property(records, fc.nat(30), (log, crash) => {
      const first = fold(log.slice(0, crash));
      const carried = new Set(told(first).composed);
      const through = first.sources.get(partitionName(AT))?.composedThrough ?? null;
      const restarted = stateAt(
        resumeOffset(first),
        new Map(
          through === null ? [] : [[partitionName(AT), { composedThrough: through, carried }]],
        ),
      );
      const then = told(fold(log, {}, restarted));
      const whole = told(fold(log));
      expect([...carried, ...then.composed]).toEqual(whole.composed);
      expect(then.moving).toEqual(whole.moving);
    }),
    { numRuns: 500 },
  );
});
