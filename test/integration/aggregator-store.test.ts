import type { Checkpoint, Chunk } from '../../services/shared/usage-fold/chunk.ts';
import { newWindow } from '../support/fold/fixtures.ts';
import { checkpointOf } from '../../services/shared/usage-fold/chunk.ts';
import type { LedgerEntry } from '../../services/shared/usage-fold/fold.ts';
import type { Place } from '../../services/shared/usage-fold/place.ts';
import type { Rows } from '../../services/shared/usage-fold/rows.ts';
import type { Candidate } from '../../services/shared/usage-fold/verdict.ts';
import { PackedLedger } from '../../services/shared/usage-fold/packed/packed-ledger.ts';
import { PackedWindows } from '../../services/shared/usage-fold/packed/packed-windows.ts';
import type { Window } from '../../services/shared/usage-fold/window.ts';
import type { Hour } from '../../services/shared/model/time.ts';
import { ClickHouseStore } from '../../services/shared/usage-store/clickhouse-store.ts';
import { quantityToBytes, type Quantity } from '../../services/shared/model/decimal.ts';
import { insertRows, queryRows } from '../../services/shared/clickhouse/client.ts';
import { asciiLower } from '../../services/shared/model/placement.ts';
import { uuidText, type UsageEvent } from '../../services/shared/model/usage-event.ts';
import { eventOf, hour, minute, placeOf, stateAtStart } from '../support/fold/fixtures.ts';
import { openTestStack, type TestStack } from '../support/test-stack.ts';

let stack: TestStack;
let store: ClickHouseStore;

beforeAll(async () => {
  stack = await openTestStack();
  store = new ClickHouseStore(stack.clickHouse);
});

afterAll(async () => {
  await stack.close();
});

/** A topic of each test's own, in one of its epochs. */
const placeIn = (topic: string, epoch = 1, partition = 0): Place =>
  placeOf({ topic, epoch, partitions: 2 }, partition);

const candidateOf = (event: UsageEvent): Candidate => ({
  event: { ...event, quantity: quantityToBytes(event.quantity) },
  quantity: event.quantity,
  usageHour: event.usageStartTime,
  subscriptionKey: asciiLower(event.subscriptionId),
  meterKey: asciiLower(event.meterId),
  resourceKey: asciiLower(event.resourceUri),
  digest: 5n,
});

/** The id of the event of this number. */
const idOf = (n: number): string => uuidText(eventOf({}, String(n)).eventId);

const chunkOf = (place: Place, changes: Partial<Chunk>): Chunk => ({
  reportedHour: hour(0),
  ledger: [],
  windows: [],
  deadLetters: [],
  closed: [],
  checkpoint: checkpointOf(stateAtStart(place)),
  ...changes,
});

/** Events whose number is their offset, accepted in a reported hour. */
const writeLedger = (place: Place, offsets: readonly number[], reportedHour = hour(0)) =>
  store.writeLedger(place, [
    chunkOf(place, { reportedHour, ledger: ledgerOf(place, offsets, reportedHour) }),
  ]);

const ledgerOf = (
  place: Place,
  offsets: readonly number[],
  reportedHour: Hour,
): Rows<LedgerEntry> => {
  const ledger = new PackedLedger(place);
  for (const offset of offsets) {
    const candidate = candidateOf(eventOf({}, String(offset)));
    ledger.push({ offset, reportedTime: minute(1), reportedHour, candidate });
  }
  return ledger.take();
};

const writeWindows = (place: Place, windows: readonly Window[], reportedHour = hour(0)) => {
  const packed = new PackedWindows(place, reportedHour, windows);
  return store.writeWindows(place, [chunkOf(place, { windows: packed, reportedHour })]);
};

const checkpointAt = (place: Place, nextOffset: number, changes: Partial<Checkpoint> = {}) => ({
  ...checkpointOf(stateAtStart(place)),
  nextOffset,
  ...changes,
});

/** Of the first ten events those that are known in the usage hour, with the offset that is known. */
const known = async (place: Place): Promise<Record<number, number>> => {
  const table = (await store.eventTables(place, [hour(0)])).get(hour(0));
  const found: Record<number, number> = {};
  for (let n = 0; n < 10; n++) {
    const seen = table?.find(eventOf({}, String(n)).eventId);
    if (seen) found[n] = seen.offset;
  }
  return found;
};

describe('ids of earlier epochs of a topic', () => {
  test('count up to where that epoch was sealed, and not one offset further', async () => {
    await writeLedger(placeIn('epochs'), [3, 4, 5]);
    await store.writeCheckpoint(checkpointAt(placeIn('epochs'), 5, { sealed: true }));
    await writeLedger(placeIn('epochs', 1, 1), [7]);
    await store.writeCheckpoint(checkpointAt(placeIn('epochs', 1, 1), 8, { sealed: true }));
    expect(await known(placeIn('epochs', 2))).toEqual({ 3: -2, 4: -2, 7: -2 });
  });

  test('do not count where that epoch is not sealed, nor from a later one, nor from another topic', async () => {
    await writeLedger(placeIn('open'), [1]);
    await store.writeCheckpoint(checkpointAt(placeIn('open'), 2));
    await writeLedger(placeIn('open', 3), [2]);
    await store.writeCheckpoint(checkpointAt(placeIn('open', 3), 3, { sealed: true }));
    await writeLedger(placeIn('openly'), [3]);
    await store.writeCheckpoint(checkpointAt(placeIn('openly'), 4, { sealed: true }));
    await writeLedger(placeIn('open', 2), [4]);
    expect(await known(placeIn('open', 2))).toEqual({ 4: 4 });
  });

  test('in one epoch, those of the partition alone count, each with its first offset', async () => {
    await writeLedger(placeIn('one'), [0, 6]);
    await writeLedger(placeIn('one', 1, 1), [2]);
    expect(await known(placeIn('one'))).toEqual({ 0: 0, 6: 6 });
  });
});

test('what partitions write at the same moment is one insert, unless it is of another month', async () => {
  const month = hour(0) + 40 * 24 * 3_600_000;
  await stack.clickHouse.command({ query: 'TRUNCATE TABLE usage_events' });
  const [one, other] = [placeIn('shared'), placeIn('shared', 1, 1)];
  await Promise.all([
    writeLedger(one, [1, 2]),
    writeLedger(other, [1]),
    writeLedger(placeIn('shared', 2), [1], month as Hour),
  ]);
  await Promise.all([one, other].map((each) => store.writeCheckpoint(checkpointAt(each, 3))));
  // Each insert has a number of its own in its month.
  const inserts = await queryRows(
    stack.clickHouse,
    `SELECT toUInt32(sum(rows)) AS rows, toUInt32(max(max_block_number) - min(min_block_number) + 1) AS inserts
     FROM system.parts WHERE database = currentDatabase() AND table = 'usage_events' AND active
     GROUP BY partition ORDER BY rows`,
  );
  expect(inserts).toEqual([
    { rows: 1, inserts: 1 },
    { rows: 3, inserts: 1 },
  ]);
  expect(await known(one)).toEqual({ 1: 1, 2: 2 });
  expect(await known(other)).toEqual({ 1: 1 });
  expect((await store.checkpoint(one))?.nextOffset).toBe(3);
  expect((await store.checkpoint(other))?.nextOffset).toBe(3);
});

test('the ledger beyond a checkpoint begins at its next offset, in its open hour', async () => {
  const place = placeIn('tail');
  await writeLedger(place, [1, 2, 3], hour(1));
  await writeLedger(place, [3], hour(1)); // written twice, by an owner that died in between
  await writeLedger(place, [4], hour(2));
  await writeLedger(place, [9], hour(0));
  const tail = await store.ledgerTail(place, checkpointAt(place, 2, { openHour: hour(1) }));
  expect(tail.lastOffset).toBe(4);
  expect([...tail.ids].sort()).toEqual([
    [2, idOf(2)],
    [3, idOf(3)],
    [4, idOf(4)],
  ]);
  expect(await store.ledgerTail(place, checkpointAt(place, 5, { openHour: hour(1) }))).toEqual({
    ids: new Map(),
    lastOffset: -1,
  });
});

test('what is left of lost records is what has offsets from the first and before the last', async () => {
  const place = placeIn('lost');
  await writeLedger(place, [1, 2, 5, 6]);
  const letter = (offset: number) => ({
    record: { offset, timestamp: minute(2), key: null, value: null, headers: {} },
    code: 'malformed' as const,
    message: 'm',
    reportedTime: minute(2),
  });
  await store.writeDeadLetters(place, [0, 3, 4, 7].map(letter));
  const left = await store.remnants(place, 2, 6);
  const all = await store.remnants(place, 0, 7);
  expect(all.map(({ offset }) => offset)).toEqual([0, 1, 2, 3, 4, 5, 6]);
  expect(left.map(({ offset, kind }) => [offset, kind])).toEqual([
    [2, 'accepted'],
    [3, 'dead-lettered'],
    [4, 'dead-lettered'],
    [5, 'accepted'],
  ]);
});

test('a loss holds from its first offset through the one behind it', async () => {
  const place = placeIn('losses');
  await insertRows(stack.clickHouse, 'losses', [
    {
      topic: 'losses',
      epoch: 1,
      partition: 0,
      from_offset: 3,
      next_offset: 6,
      open_hour: hour(1) / 1000,
    },
  ]);
  const found = await Promise.all([2, 3, 6, 7].map((offset) => store.loss(place, offset, false)));
  const loss = { nextOffset: 6, ended: false, openHour: hour(1) };
  expect(found).toEqual([null, loss, loss, null]);
});

describe('windows of the open hour', () => {
  const windowOf = (changes: Partial<UsageEvent>, offset: number): Window =>
    newWindow(candidateOf(eventOf(changes, String(offset))), offset);

  test('are read as they were written, whatever stands in their identities', async () => {
    const place = placeIn('windows');
    const windows = [
      windowOf({ tags: null, additionalInfo: '', quantity: 5n as Quantity }, 1),
      windowOf({ resourceUri: `/a/'b'/\\c\\/"d"/{e:String}/?`, tags: 'null' }, 2),
      windowOf({ resourceUri: '/straße/🚀', additionalInfo: '\\N' }, 3),
    ];
    await writeWindows(place, windows);
    const other = windowOf({}, 9);
    await writeWindows(place, [other], hour(1));
    const byOffset = (found: Iterable<Window> | null) =>
      [...(found ?? [])].sort((a, b) => a.firstOffset - b.firstOffset);
    expect(byOffset(await store.storedWindows(place, hour(0), windows.slice(1)))).toEqual(
      windows.slice(1),
    );
    const stored = await store.windows(place, hour(0), 1e6);
    expect(byOffset(stored)).toEqual(windows);
    expect(byOffset(new PackedWindows(place, hour(0), stored).values())).toEqual(windows);
  });

  test('are given whole up to the bound on their bytes, and not at all beyond it', async () => {
    const place = placeIn('bound');
    const window = windowOf({ tags: 'äöü', additionalInfo: null, location: 'here' }, 1);
    await writeWindows(place, [window]);
    expect([...((await store.windows(place, hour(0), 1e6)) ?? [])]).toEqual([window]);
    expect(await store.windows(place, hour(0), 100)).toBeNull();
  });
});

test('hours that close together give the days that each of them alone would have given', async () => {
  // One after another in two days and two months, some windows in several of them, the last hour still open.
  const used = [
    [21 * 24 + 20, 'a'],
    [21 * 24 + 22, 'b'],
    [21 * 24 + 23, 'a'],
    [22 * 24, 'a'],
    [22 * 24 + 2, 'b'],
    [22 * 24 + 3, 'a'],
  ] as const;
  const days = async (topic: string, closings: readonly (readonly [number, number])[]) => {
    const place = placeIn(topic);
    for (const [n, [reported, resource]] of used.entries()) {
      const event = eventOf({ resourceUri: `/r/${resource}` }, String(n));
      await writeWindows(place, [newWindow(candidateOf(event), n)], hour(reported));
    }
    for (const [first, last] of closings) await store.rollUpDays(place, hour(first), hour(last));
    return queryRows(
      stack.clickHouse,
      `SELECT reported_day, usage_day, resource_key, toString(quantity) AS quantity, toUInt32(event_count) AS events,
         toUInt32(first_offset) AS first, last_hour FROM usage_daily FINAL WHERE topic = {topic:String}
       ORDER BY reported_day, usage_day, resource_key`,
      { topic },
    );
  };
  const closed = used.slice(0, -1).map(([reported]) => [reported, reported] as const);
  const alone = await days('alone', closed);
  expect(alone).toHaveLength(4);
  const last = closed.at(-1)?.[1] ?? 0;
  expect(await days('together', [[closed[0]?.[0] ?? 0, last]])).toEqual(alone);
  expect(await days('in-two', [...closed.slice(0, 1), [closed[1]?.[0] ?? 0, last]])).toEqual(alone);
});

describe('a day shows what its first event had', () => {
  const roll = async (
    topic: string,
    hours: readonly (readonly [number, Partial<UsageEvent>, number])[],
  ) => {
    const place = placeIn(topic);
    for (const [reported, changes, offset] of hours) {
      const windows = [newWindow(candidateOf(eventOf(changes, String(offset))), offset)];
      await writeWindows(place, windows, hour(reported));
    }
    await store.rollUpDays(place, hour(hours[0]?.[0] ?? 0), hour(hours.at(-1)?.[0] ?? 0));
    return queryRows(
      stack.clickHouse,
      `SELECT location, tags, additional_info AS info, toString(quantity) AS quantity,
         toUInt32(event_count) AS events, toUInt32(first_offset) AS first
       FROM usage_daily FINAL WHERE topic = {topic:String}`,
      { topic },
    );
  };

  test('also where that is null and later ones have something', async () => {
    const later = { location: 'there', tags: '{"a":1}', additionalInfo: 'more' };
    expect(
      await roll('nulls', [
        [0, { tags: null, additionalInfo: null }, 1],
        [1, later, 2],
      ]),
    ).toEqual([{ location: 'local', tags: null, info: null, quantity: '2', events: 2, first: 1 }]);
  });

  test('by the offset, not by the hour, and never mixed from several events', async () => {
    expect(
      await roll('mixed', [
        [0, { location: 'late', tags: 'late', additionalInfo: null }, 5],
        [1, { location: 'early', tags: null, additionalInfo: 'early' }, 4],
      ]),
    ).toEqual([
      { location: 'early', tags: null, info: 'early', quantity: '2', events: 2, first: 4 },
    ]);
  });
});
