import {
  aggregateOf,
  aggregateRecord,
  carryRecord,
  hour,
  hourRecords,
  keyring,
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
import { controlRecord } from '../../shared/model/control-record.ts';
import type { Quantity } from '../../shared/model/decimal.ts';
import { partitionOfKey } from '../../shared/model/placement.ts';
import type { Source } from '../../shared/model/source.ts';
import { HOUR_MILLIS, type Hour } from '../../shared/model/time.ts';
import { aggregateKey } from '../../shared/model/usage-aggregate.ts';
import type { UsageCarry } from '../../shared/model/usage-carry.ts';
import { cut, dropAbandoned, stateAt, foldRecord, type BridgeState } from './bridge-fold.ts';
import { blockedBy } from './source-progress.ts';

const LIVE = sourceOf();
const AT = { topic: LIVE.topic, epoch: 1, partition: 0 };
const RUN = sourceOf({ topic: 'usage.history.run', kind: 'history', lastHour: hour(1) });
const RUN_AT = { topic: RUN.topic, epoch: 1, partition: 0 };

const fold = (
  records: readonly Unplaced[],
  sources: readonly Source[] = [LIVE, RUN],
  state: BridgeState = stateAt(0),
): BridgeState => {
  for (const record of logOf(records).slice(state.nextOffset)) {
    foldRecord(state, record, knowledgeOf(sources));
  }
  return state;
};

const usage = (h: number, ...names: readonly string[]) =>
  names.map((name) => aggregateOf(AT, hour(h), uriOf(name)));

const carryOf = (id: number, changes: Partial<UsageCarry> = {}): UsageCarry =>
  carryInto(changes.topic === undefined ? AT : { ...AT, ...changes }, {
    submissionId: `00000000-0000-4000-8000-00000000000${String(id)}`,
    quantity: ONE as Quantity,
    ...changes,
  });

const blocks = (state: BridgeState): readonly (string | null)[] =>
  [...state.sources.values()].map(blockedBy);

test('an hour is due at its first closed marker, and an empty hour at its own', () => {
  const state = fold([
    ...hourRecords(AT, hour(0), usage(0, 'a', 'b')),
    markerRecord(AT, hour(1), []),
  ]);
  const { due } = cut(state);
  expect(due.map((each) => [each.hour, each.usage.length, each.markerOffset])).toEqual([
    [hour(0), 2, 2],
    [hour(1), 0, 3],
  ]);
});

test('an hour that is published again by two owners at once counts once', () => {
  const [a, b, marker] = hourRecords(AT, hour(0), usage(0, 'a', 'b')) as [
    Unplaced,
    Unplaced,
    Unplaced,
  ];
  const state = fold([a, a, b, a, marker, b, marker]);
  expect(cut(state).due).toMatchObject([{ hour: hour(0), usage: [{}, {}] }]);
});

test('an hour that is published again in other bytes is due when its marker fits the later ones', () => {
  const [a, b] = usage(0, 'a', 'b') as [
    ReturnType<typeof aggregateOf>,
    ReturnType<typeof aggregateOf>,
  ];
  const rewritten = [a, b].map((aggregate) => ({ ...aggregate, location: 'elsewhere' }));
  const state = fold([aggregateRecord(a), ...hourRecords(AT, hour(0), rewritten)]);
  expect(cut(state).due).toMatchObject([{ usage: [{}, {}] }]);
});

test('an hour that another version cuts into other parts is due when its marker fits the later ones', () => {
  const aggregates = usage(0, 'a', 'b', 'c');
  const [once, again] = [1, 2].map((each) => hourRecords(AT, hour(0), aggregates, each));
  const state = fold([...(once?.slice(0, -1) ?? []), ...(again ?? [])]);
  expect(cut(state).due).toMatchObject([{ usage: [{}, {}, {}] }]);
});

test('what a version leaves behind that cuts an hour into more parts does not hold it open', () => {
  const aggregates = usage(0, 'a', 'b', 'c');
  const [a0, a1, a2] = hourRecords(AT, hour(0), aggregates, 1);
  const [b0, b1, marker] = hourRecords(AT, hour(0), aggregates, 2);
  const log = [a0, a1, b0, a2, b1, a2, marker].flatMap((record) => record ?? []);
  expect(cut(fold(log)).due).toMatchObject([{ usage: [{}, {}, {}] }]);
});

test('an hour of which there are parts is not closed as an empty one', () => {
  const state = fold([
    ...hourRecords(AT, hour(0), usage(0, 'a', 'b')).slice(0, 2),
    markerRecord(AT, hour(0), []),
    markerRecord(AT, hour(0), []), // nothing has come since the first one
  ]);
  const unfit = { expected: 0, found: 2 };
  expect(cut(state)).toMatchObject({ due: [], unfit: [unfit, unfit] });
});

test('usage is in the order of the parts, in whatever order they come', () => {
  const [a, b, c, marker] = hourRecords(AT, hour(0), usage(0, 'a', 'b', 'c'));
  const state = fold([c, a, b, marker].flatMap((record) => record ?? []));
  const [due] = cut(state).due;
  expect(due?.usage.map(({ resourceUri }) => resourceUri)).toEqual(['a', 'b', 'c'].map(uriOf));
});

test('a marker that does not fit is a warning; the hour is due when it is published again', () => {
  const aggregates = usage(0, 'a', 'b');
  const early = [
    ...aggregates.slice(0, 1).map((each) => aggregateRecord(each)),
    markerRecord(AT, hour(0), aggregates),
  ];
  const state = fold(early);
  const chunk = cut(state);
  expect(chunk.due).toEqual([]);
  expect(chunk.unfit).toMatchObject([{ hour: hour(0), offset: 1, expected: 2, found: 1 }]);
  expect(chunk.checkpoint.resumeOffset).toBe(0);
  fold([...early, ...hourRecords(AT, hour(0), aggregates)], [LIVE], state);
  expect(cut(state).due).toMatchObject([{ hour: hour(0) }]);
});

test('a marker with the right count and another digest closes nothing', () => {
  const other = usage(0, 'a', 'c');
  const state = fold([
    ...usage(0, 'a', 'b').map((each, part) => aggregateRecord(each, keyring, part)),
    markerRecord(AT, hour(0), other),
  ]);
  expect(cut(state)).toMatchObject({ due: [], unfit: [{ expected: 2, found: 2 }] });
});

test('an hour that is published again after it was composed keeps nothing from being forgotten', () => {
  const records = hourRecords(AT, hour(0), usage(0, 'a'));
  const state = fold([...records, ...records]);
  const { due, checkpoint } = cut(state);
  expect(due).toHaveLength(1);
  expect(checkpoint).toMatchObject({ nextOffset: 4, resumeOffset: 4 });
});

test('a skipped hour stops its source partition alone, and it goes on when the hour comes', () => {
  const other = { ...AT, partition: 1 };
  const records = [...hourRecords(AT, hour(1), usage(1, 'a')), ...hourRecords(other, hour(0), [])];
  const state = fold(records);
  expect(cut(state).due.map(({ at }) => at.partition)).toEqual([1]);
  expect(blocks(state)).toEqual([
    expect.stringMatching(/2026-01-10T00:00:00Z to 2026-01-10T01:00:00Z.*no closed marker/),
    null,
  ]);
  fold([...records, ...hourRecords(AT, hour(0), usage(0, 'a'))], [LIVE], state);
  expect(cut(state).due.map((each) => each.hour)).toEqual([hour(0), hour(1)]);
  expect(blocks(state)).toEqual([null, null]);
});

test('a marker whose key is missing is read again after a restart with the key', () => {
  const records = [
    markerRecord(AT, hour(0), [], stranger),
    ...hourRecords(AT, hour(1), usage(1, 'a')),
  ];
  const state = fold(records);
  const { due, refused, checkpoint } = cut(state);
  expect(due).toEqual([]);
  expect(refused).toMatchObject([{ code: 'forged-control' }]);
  expect(blocks(state)[0]).toMatch(/offset 0.*USAGE_CONTROL_KEYS/);
  expect(checkpoint.resumeOffset).toBe(0);
  const restarted = stateAt(checkpoint.resumeOffset);
  const knowing = knowledgeOf([LIVE], [...keyring, ...stranger]);
  for (const record of logOf(records)) foldRecord(restarted, record, knowing);
  expect(cut(restarted).due.map((each) => each.hour)).toEqual([hour(0), hour(1)]);
});

test('aggregates whose key is missing are read again after a restart with the key', () => {
  const hours = [0, 1].map((h) => usage(h, 'a', 'b'));
  const records = hours.flatMap((aggregates, h) => [
    ...aggregates.map((each, part) => aggregateRecord(each, stranger, part)),
    markerRecord(AT, hour(h), aggregates, stranger),
  ]);
  const { due, refused, checkpoint } = cut(fold(records));
  expect(due).toEqual([]);
  expect(new Set(refused.map(({ code }) => code))).toEqual(
    new Set(['forged-aggregate', 'forged-control']),
  );
  expect(checkpoint).toMatchObject({ nextOffset: 6, resumeOffset: 0 });
  const restarted = stateAt(checkpoint.resumeOffset);
  const knowing = knowledgeOf([LIVE], [...keyring, ...stranger]);
  for (const record of logOf(records)) foldRecord(restarted, record, knowing);
  expect(cut(restarted).due.map((each) => [each.hour, each.usage.length])).toEqual([
    [hour(0), 2],
    [hour(1), 2],
  ]);
});

describe('a stranger who may write to the topic', () => {
  const [aggregate] = usage(0, 'a') as [ReturnType<typeof aggregateOf>];
  const good = hourRecords(AT, hour(0), [aggregate]);
  const [fresh] = usage(0, 'fresh') as [ReturnType<typeof aggregateOf>];
  const unsigned = (record: Unplaced): Unplaced => ({ ...record, headers: {} });

  test.each<[string, Unplaced]>([
    ['unsigned', unsigned(aggregateRecord(fresh))],
    ['signed by a key of his own', aggregateRecord(fresh, stranger)],
    [
      'with the signature of another aggregate',
      { ...aggregateRecord(fresh), headers: aggregateRecord(aggregate).headers },
    ],
    [
      'with the signature of another source partition',
      {
        ...aggregateRecord(fresh),
        headers: aggregateRecord(aggregateOf({ ...AT, partition: 1 }, hour(0), uriOf('fresh')))
          .headers,
      },
    ],
    [
      'with other content under an id that counts',
      unsigned(aggregateRecord({ ...aggregate, eventCount: 9 })),
    ],
  ])('does not stop an hour by an aggregate %s', (_, record) => {
    const state = fold([record, ...good.slice(0, 1), record, ...good.slice(1)]);
    const { due, refused, unfit } = cut(state);
    expect(refused.map(({ code }) => code)).toEqual(['forged-aggregate', 'forged-aggregate']);
    expect(unfit).toEqual([]);
    expect(due).toMatchObject([{ hour: hour(0), usage: [{ resourceUri: uriOf('a') }] }]);
  });

  test('has nothing read again once its hour is composed, or of hours far ahead', () => {
    const far = [100, 1_000_000].flatMap((h) => [
      aggregateRecord(aggregateOf(AT, hour(h), uriOf('a')), stranger),
      markerRecord(AT, hour(h), [], stranger),
    ]);
    const state = fold([aggregateRecord(fresh, stranger), ...far, ...good]);
    expect(cut(state).checkpoint).toMatchObject({ nextOffset: 7, resumeOffset: 7 });
    expect(blocks(state)).toEqual([null]);
  });

  test('gains nothing by copying an hour to another partition of the topic', () => {
    const records = good.map((each) => ({ ...each, key: Buffer.from(aggregateKey(AT)) }));
    const partitions = 3;
    const home = partitionOfKey(aggregateKey(AT), partitions);
    for (let partition = 0; partition < partitions; partition++) {
      const state = stateAt(0);
      const knowledge = { ...knowledgeOf([LIVE]), partition, partitions };
      for (const record of logOf(records)) foldRecord(state, record, knowledge);
      const { due, refused } = cut(state);
      const codes = refused.map(({ code }) => code);
      expect([due.length, codes]).toEqual(
        partition === home ? [1, []] : [0, ['wrong-partition', 'wrong-partition']],
      );
    }
  });

  test('cannot fill the records of refusals with names as long as his records', () => {
    const long = 'x'.repeat(100_000);
    const records = [
      { ...unsigned(aggregateRecord(fresh)), key: Buffer.from(long) },
      aggregateRecord(aggregateOf({ ...AT, topic: long }, hour(0), uriOf('a'))),
      aggregateRecord(fresh, [{ id: long, secret: Buffer.alloc(32) }]),
    ];
    const { refused } = cut(fold(records));
    expect(refused.map(({ code }) => code)).toEqual([
      'wrong-key',
      'unknown-source',
      'forged-aggregate',
    ]);
    for (const { message } of refused) expect(message.length).toBeLessThan(1_000);
  });
});

test('history is due when its last hour is closed, all hours at once', () => {
  const hours = [0, 1].map((h) => hourRecords(RUN_AT, hour(h), []));
  const state = fold(hours[0] ?? []);
  expect(cut(state).due).toEqual([]);
  expect(blocks(state)).toEqual([null]);
  fold(hours.flat(), [RUN], state);
  expect(cut(state).due.map((each) => each.hour)).toEqual([hour(0), hour(1)]);
});

test('nothing of an abandoned run is due, and nothing of it is kept', () => {
  const records = [0, 1].flatMap((h) => hourRecords(RUN_AT, hour(h), []));
  const state = fold(records.slice(0, 1));
  expect(cut(state).checkpoint.resumeOffset).toBe(0);
  const abandoned = { ...RUN, state: 'abandoned' as const };
  dropAbandoned(state, knowledgeOf([abandoned]).sources);
  fold(records, [abandoned], state);
  expect(cut(state)).toMatchObject({ due: [], checkpoint: { nextOffset: 2, resumeOffset: 2 } });
});

test('a carry goes into the next hour that is composed, the first one of a submission only', () => {
  const state = fold([
    markerRecord(AT, hour(0), []),
    carryRecord(carryOf(1)),
    carryRecord(carryOf(1, { quantity: (9n * ONE) as Quantity })),
    carryRecord(carryOf(2)),
    markerRecord(AT, hour(1), []),
    carryRecord(carryOf(2)),
    markerRecord(AT, hour(2), []),
  ]);
  const { due } = cut(state);
  expect(due.map(({ carries }) => carries.map((each) => [each.offset, each.quantity]))).toEqual([
    [],
    [
      [1, ONE],
      [3, ONE],
    ],
    [],
  ]);
});

test('reading begins again at the first record of what is not composed', () => {
  const composed = hourRecords(AT, hour(0), usage(0, 'a'));
  const state = fold([
    ...composed,
    carryRecord(carryOf(1)),
    ...usage(1, 'a', 'b').map((each, part) => aggregateRecord(each, keyring, part)),
  ]);
  expect(cut(state).checkpoint).toMatchObject({ nextOffset: 5, resumeOffset: 2 });
  const done = fold([...composed, markerRecord(AT, hour(1), [])]);
  expect(cut(done).checkpoint).toMatchObject({ nextOffset: 3, resumeOffset: 3 });
});

describe('records that are not believed are recorded, and billing goes on', () => {
  const [aggregate] = usage(0, 'a') as [ReturnType<typeof aggregateOf>];
  const good = aggregateRecord(aggregate);
  const other = Buffer.from(aggregateKey({ ...AT, partition: 1 }));
  const strange = aggregateOf({ ...AT, topic: 'usage.events.none' }, hour(0), uriOf('a'));
  const marker = markerRecord(AT, hour(0), [aggregate]);

  test.each<[string, Unplaced, string]>([
    ['an unreadable value', { ...good, value: Buffer.from('x') }, 'malformed'],
    ['no value', { ...good, value: null }, 'malformed'],
    ['a cut-off part', { ...good, value: good.value?.subarray(0, 40) ?? null }, 'malformed'],
    ['an aggregate under another key', { ...good, key: other }, 'wrong-key'],
    ['an aggregate without a key', { ...good, key: null }, 'wrong-key'],
    ['an aggregate of an unknown source', aggregateRecord(strange), 'unknown-source'],
    [
      'an aggregate of a partition that is not there',
      aggregateRecord(aggregateOf({ ...AT, partition: 7 }, hour(0), uriOf('a'))),
      'unknown-source',
    ],
    [
      'an aggregate before the source began',
      aggregateRecord(aggregateOf(AT, hour(-1), uriOf('a'))),
      'wrong-hour',
    ],
    [
      'an aggregate of no whole hour',
      aggregateRecord(aggregateOf(AT, (hour(0) + HOUR_MILLIS / 2) as Hour, uriOf('a'))),
      'wrong-hour',
    ],
    [
      'an aggregate after the run',
      aggregateRecord(aggregateOf(RUN_AT, hour(2), uriOf('a'))),
      'wrong-hour',
    ],
    ['an aggregate by a stranger', aggregateRecord(aggregate, stranger), 'forged-aggregate'],
    ['a marker by a stranger', markerRecord(AT, hour(0), [aggregate], stranger), 'forged-control'],
    [
      'a marker that was changed',
      { ...marker, value: Buffer.from(String(marker.value).replace(':1,"d', ':2,"d')) },
      'forged-control',
    ],
    [
      'a marker that cannot be read',
      { ...marker, ...controlRecord('closed', AT, '{}', keyring), key: marker.key },
      'invalid-control',
    ],
    ['a marker under another key', { ...marker, key: other }, 'wrong-key'],
    ['a carry by a stranger', carryRecord(carryOf(1), stranger), 'forged-control'],
    [
      'a carry of nothing',
      carryRecord(carryOf(1, { quantity: 0n as Quantity })),
      'invalid-control',
    ],
    ['a carry into history', carryRecord(carryOf(1, RUN_AT)), 'invalid-control'],
    [
      'another control record',
      { ...marker, ...controlRecord('tick', AT, '', keyring), key: marker.key },
      'invalid-control',
    ],
  ])('%s', (_, record, code) => {
    const state = fold([record, ...hourRecords(AT, hour(0), [aggregate])]);
    const { due, refused } = cut(state);
    expect(refused).toMatchObject([{ code }]);
    expect(due).toMatchObject([{ hour: hour(0), usage: [{}], carries: [] }]);
  });
});
