import {
  aggregateOf,
  aggregateRecord,
  carryRecord,
  hour,
  hourRecords,
  knowledgeOf,
  logOf,
  markerRecord,
  ONE,
  sourceOf,
  stranger,
  uriOf,
  type Unplaced,
} from '../../../test/support/bridge/aggregates-log.ts';
import { carryInto } from '../../../test/support/bridge/examples.ts';
import { CONTROL_HEADER } from '../../shared/model/control-record.ts';
import type { Quantity } from '../../shared/model/decimal.ts';
import { recordDigest } from '../../shared/model/record-mark.ts';
import { partitionName, type Source } from '../../shared/model/source.ts';
import { HOUR_MILLIS, type Hour } from '../../shared/model/time.ts';
import type { UsageCarry } from '../../shared/model/usage-carry.ts';
import { cut, dropAbandoned, stateAt, foldRecord, type BridgeState } from './bridge-fold.ts';
import { sourceOfKey } from './log-entry.ts';
import { blockedBy, type ComposedBefore } from './source-progress.ts';

const LIVE = sourceOf();
const AT = { topic: LIVE.topic, epoch: 1, partition: 0 };

const carryOf = (id: number): UsageCarry =>
  carryInto(AT, {
    submissionId: `00000000-0000-4000-8000-00000000000${String(id)}`,
    quantity: ONE as Quantity,
  });

const fold = (
  records: readonly Unplaced[],
  {
    sources = [LIVE],
    before = {},
  }: { sources?: readonly Source[]; before?: Record<string, ComposedBefore> } = {},
): BridgeState => {
  const state = stateAt(0, new Map(Object.entries(before)));
  for (const record of logOf(records)) foldRecord(state, record, knowledgeOf(sources));
  return state;
};

const usage = (h: number, ...names: readonly string[]) =>
  names.map((name) => aggregateOf(AT, hour(h), uriOf(name)));

test('what is composed already is not composed again, and goes on behind it', () => {
  const [first, second] = [carryOf(1), carryOf(2)];
  const state = fold(
    [
      ...hourRecords(AT, hour(0), usage(0, 'a')),
      carryRecord(first),
      ...hourRecords(AT, hour(1), usage(1, 'a')),
      carryRecord(second),
      ...hourRecords(AT, hour(2), usage(2, 'a')),
    ],
    {
      before: {
        [partitionName(AT)]: { composedThrough: hour(2), carried: new Set([first.submissionId]) },
        [partitionName({ ...AT, partition: 1 })]: { composedThrough: hour(9), carried: new Set() },
      },
    },
  );
  const { due, checkpoint } = cut(state);
  expect(
    due.map((each) => [each.hour, each.carries.map(({ submissionId }) => submissionId)]),
  ).toEqual([[hour(2), [second.submissionId]]]);
  expect(checkpoint).toMatchObject({ nextOffset: 8, resumeOffset: 8 });
});

test('an hour says where its first record stands, a carry inside it included', () => {
  const state = fold([
    ...hourRecords(AT, hour(0), usage(0, 'a')),
    carryRecord(carryOf(1)),
    ...hourRecords(AT, hour(1), usage(1, 'a', 'b')),
    ...hourRecords(AT, hour(2), usage(2, 'a')),
  ]);
  expect(cut(state).due.map((each) => [each.firstOffset, each.markerOffset])).toEqual([
    [0, 1],
    [2, 5],
    [6, 7],
  ]);
});

test('the checkpoint recognises the last record, and a cut takes what is pending once', () => {
  const records = [markerRecord(AT, hour(0), []), markerRecord(AT, hour(1), [], stranger)];
  const state = fold(records);
  const [, last] = logOf(records);
  const first = cut(state);
  expect(first.due).toHaveLength(1);
  expect(first.refused).toHaveLength(1);
  expect(first.checkpoint.lastRecord).toEqual({ offset: 1, digest: last && recordDigest(last) });
  expect(cut(state)).toMatchObject({
    due: [],
    refused: [],
    unfit: [],
    checkpoint: first.checkpoint,
  });
  expect(cut(stateAt(7)).checkpoint).toEqual({ nextOffset: 7, resumeOffset: 7, lastRecord: null });
});

describe('records that could not be verified are read again', () => {
  const resumeOf = (records: readonly Unplaced[], sources: readonly Source[] = [LIVE]): number =>
    cut(fold(records, { sources })).checkpoint.resumeOffset;
  const markerAt = (h: number) => markerRecord(AT, hour(h), [], stranger);

  test.each([
    [0, 0],
    [47, 0],
    [48, 1],
    [49, 1],
  ])('of the next two days: hour %i', (h, resume) => {
    expect(resumeOf([markerAt(h)])).toBe(resume);
  });

  test('of hours that are not composed', () => {
    expect(resumeOf([markerRecord(AT, hour(0), []), markerAt(0)])).toBe(2);
    expect(resumeOf([markerRecord(AT, hour(0), []), markerAt(1)])).toBe(1);
    expect(resumeOf([markerRecord(AT, hour(0), []), markerAt(48)])).toBe(1);
  });

  test('from the first of an hour on', () => {
    const [aggregate] = usage(1, 'a');
    const forged = aggregate ? aggregateRecord(aggregate, stranger) : markerAt(1);
    expect(resumeOf([markerRecord(AT, hour(0), []), forged, markerAt(1), markerAt(2)])).toBe(1);
  });

  test('not where the run is abandoned, or what is missing is no key', () => {
    expect(resumeOf([markerAt(0)], [{ ...LIVE, state: 'abandoned' }])).toBe(1);
    expect(resumeOf([{ ...markerAt(0), headers: { [CONTROL_HEADER]: 'closed' } }])).toBe(1);
    expect(resumeOf([carryRecord(carryOf(1), stranger)])).toBe(1);
  });
});

describe('what holds up a source partition', () => {
  const blocks = (records: readonly Unplaced[]) =>
    [...fold(records).sources.values()].map(blockedBy);
  const later = markerRecord(AT, hour(1), []);

  test('is nothing as long as no later hour is closed', () => {
    const [aggregate] = usage(1, 'a');
    expect(aggregate && blocks([aggregateRecord(aggregate)])).toEqual([null]);
    expect(blocks([markerRecord(AT, hour(0), []), later])).toEqual([null]);
  });

  test('is an hour without a marker that fits, also where its aggregates are there', () => {
    const [aggregate] = usage(0, 'a');
    const missing = [expect.stringMatching(/00:00:00Z to 2026-01-10T01:00:00Z.*no closed marker/)];
    expect(blocks([later])).toEqual(missing);
    expect(aggregate && blocks([aggregateRecord(aggregate), later])).toEqual(missing);
    // An aggregate by a stranger says nothing of the marker.
    expect(aggregate && blocks([aggregateRecord(aggregate, stranger), later])).toEqual(missing);
  });

  test('is a marker that cannot be verified, the first of them', () => {
    const forged = markerRecord(AT, hour(0), [], stranger);
    expect(blocks([later, forged, forged])).toEqual([
      expect.stringMatching(/at offset 1, cannot be verified/),
    ]);
  });
});

test('an hour that is closed takes nothing more, and its marker again fits', () => {
  const run = sourceOf({ kind: 'history', lastHour: hour(1) });
  const records = hourRecords(AT, hour(0), usage(0, 'a'));
  const state = fold(
    [
      ...records,
      ...usage(0, 'b').map((each) => aggregateRecord(each)),
      ...records.slice(1),
      markerRecord(AT, hour(0), usage(0, 'a', 'b')),
      markerRecord(AT, hour(1), []),
    ],
    { sources: [run] },
  );
  const { due, unfit } = cut(state);
  expect(unfit).toEqual([]);
  expect(due.map((each) => [each.hour, each.usage.length, each.markerOffset])).toEqual([
    [hour(0), 1, 1],
    [hour(1), 0, 5],
  ]);
});

test('of runs, only those that were abandoned are forgotten', () => {
  const other = sourceOf({ topic: 'usage.events.other' });
  const at = { ...AT, topic: other.topic };
  const state = fold([markerRecord(AT, hour(1), []), markerRecord(at, hour(1), [])], {
    sources: [LIVE, other],
  });
  dropAbandoned(state, knowledgeOf([{ ...LIVE, state: 'abandoned' }, other]).sources);
  expect([...state.sources.keys()]).toEqual([partitionName(at)]);
  dropAbandoned(state, new Map());
  expect(state.sources.size).toBe(1);
});

describe('markers and carries that have no place', () => {
  const partitions = 3;
  test.each<[string, Unplaced, string]>([
    ['a marker of no hour of its source', markerRecord(AT, hour(-1), []), 'wrong-hour'],
    [
      'a marker of half an hour',
      markerRecord(AT, (hour(0) + HOUR_MILLIS / 2) as Hour, []),
      'wrong-hour',
    ],
    [
      'a marker of an unknown source',
      markerRecord({ ...AT, epoch: 2 }, hour(0), []),
      'unknown-source',
    ],
    [
      'a carry of a partition that the source has not',
      carryRecord({ ...carryOf(1), partition: LIVE.partitions }),
      'unknown-source',
    ],
    ['a carry under another key', { ...carryRecord(carryOf(1)), key: null }, 'wrong-key'],
    ['a carry that cannot be read', { ...carryRecord(carryOf(1)), value: null }, 'invalid-control'],
  ])('%s', (_, record, code) => {
    const { refused, due } = cut(fold([record]));
    expect(refused).toMatchObject([{ code, record: { offset: 0 } }]);
    expect(due).toEqual([]);
  });

  test('on a partition of the topic that is not theirs', () => {
    for (const record of [markerRecord(AT, hour(0), []), carryRecord(carryOf(1))]) {
      const codes = [0, 1, 2].map((partition) => {
        const state = stateAt(0);
        const knowledge = { ...knowledgeOf([LIVE]), partition, partitions };
        for (const each of logOf([record])) foldRecord(state, each, knowledge);
        return cut(state).refused.map(({ code }) => code);
      });
      expect(codes.flat()).toEqual(['wrong-partition', 'wrong-partition']);
    }
  });
});

test.each([
  ['usage.events.compute/1[0]', 'usage.events.compute/1'],
  ['a/b/12[34]', 'a/b/12'],
  ['usage.events.compute/1', null],
  ['usage.events.compute[0]', null],
  ['/1[0]', null],
  ['a/1[0] ', null],
  ['a/1[]', null],
  ['', null],
])('the key "%s" names source %p', (key, name) => {
  expect(sourceOfKey(Buffer.from(key))).toBe(name);
  expect(sourceOfKey(null)).toBeNull();
});

test('an hour whose first records expired unread closes when all of it is published again behind its marker', () => {
  const [a, b, c] = hourRecords(AT, hour(0), usage(0, 'a', 'b', 'c'));
  if (!a || !b || !c) throw new Error('an aggregate is missing');
  const marker = markerRecord(AT, hour(0), usage(0, 'a', 'b', 'c'));
  const [due, ...others] = fold([b, c, marker, a, b, c, marker]).due;
  expect(others).toEqual([]);
  expect(due).toMatchObject({ hour: hour(0), markerOffset: 6 });
  expect(due?.usage).toHaveLength(3);
  // What was missing is enough.
  expect(fold([b, c, marker, a, marker]).due).toHaveLength(1);
  expect(fold([b, c, marker, b, c, marker]).due).toEqual([]);
});

test('an hour of which a part is left from before closes when all of it is published again', () => {
  const whole = hourRecords(AT, hour(0), usage(0, 'a', 'b', 'c'));
  const [due] = fold([...whole.slice(1, 2), ...whole]).due;
  expect(due?.usage).toHaveLength(3);
});

test('an hour closes behind a marker that did not fit, although another version writes between its parts', () => {
  const [other] = usage(0, 'a').map((each) => aggregateRecord({ ...each, location: 'elsewhere' }));
  const [a, b, c, marker] = hourRecords(AT, hour(0), usage(0, 'a', 'b', 'c'));
  if (!other || !a || !b || !c || !marker) throw new Error('a record is missing');
  const [due] = fold([other, marker, a, other, b, c, marker]).due;
  expect(due?.usage).toHaveLength(3);
});
