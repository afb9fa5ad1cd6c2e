import {
  controlAt,
  eventOf,
  historyPlace,
  hour,
  knowledge,
  minute,
  placeOf,
  recordOf,
  rulesAt,
  stateAtStart,
} from '../../../test/support/fold/fixtures.ts';
import type { Quantity } from '../model/decimal.ts';
import type { LogRecord } from '../model/log-record.ts';
import type { UsageEvent } from '../model/usage-event.ts';
import { cut } from './chunk.ts';
import { EventIndex } from './event-index.ts';
import { EARLIER_EPOCH, EventTable } from './event-table.ts';
import { count, mustCutBefore, skipTo, type FoldState, type Outcome } from './fold.ts';
import { OpenWindows } from './open-windows.ts';
import { advance, type Step } from './timeline.ts';

const place = placeOf();

const stepOf = (state: FoldState, record: LogRecord): Step =>
  advance(state.place, state.timeline, record, knowledge);

/** Counts records in order; the tables of the usage hours are there. */
const fold = (
  state: FoldState,
  records: readonly LogRecord[],
  index: EventIndex = new EventIndex(1 << 20),
): Outcome[] =>
  records.map((record) => {
    const step = stepOf(state, record);
    if (step.verdict.kind === 'candidate') {
      const { usageHour } = step.verdict.candidate;
      for (const missing of index.missing([usageHour])) index.put(missing, new EventTable());
    }
    return count(state, step, index);
  });

const begun = (): FoldState => {
  const state = stateAtStart(place);
  fold(state, [rulesAt(place, 0)]);
  return state;
};

const sent = (
  offset: number,
  changes: Partial<UsageEvent> = {},
  at = minute(1),
  id = String(offset),
): LogRecord => recordOf(eventOf(changes, id), offset, at);

const quantity = (value: bigint): Quantity => value as Quantity;

describe('counting', () => {
  test('a control record is control, and leaves nothing to store but the checkpoint', () => {
    const state = stateAtStart(place);
    expect(fold(state, [rulesAt(place, 0)])).toEqual(['control']);
    expect(state.counts).toEqual({
      accepted: 0,
      duplicate: 0,
      deadLettered: 0,
      control: 1,
      lost: 0,
    });
    expect(state.nextOffset).toBe(1);
    expect(cut(state)).toMatchObject({ ledger: [], windows: [], deadLetters: [], closed: [] });
  });

  test('a dead letter keeps its record and the time reached', () => {
    const state = begun();
    const bad = { ...sent(1, {}, minute(2)), value: null };
    expect(fold(state, [sent(2, {}, minute(9)), { ...bad, offset: 3 }])).toEqual([
      'accepted',
      'dead-lettered',
    ]);
    expect(state.pending.deadLetters).toMatchObject([
      { code: 'malformed', record: { offset: 3, timestamp: minute(2) }, reportedTime: minute(9) },
    ]);
    expect(state.counts.deadLettered).toBe(1);
  });

  test('an event is accepted: into the ledger, the index and its window', () => {
    const state = begun();
    const index = new EventIndex(1 << 20);
    const event = eventOf({ quantity: quantity(7n) }, 'x');
    expect(fold(state, [recordOf(event, 1, minute(1))], index)).toEqual(['accepted']);
    expect(index.table(hour(0)).find(event.eventId)?.offset).toBe(1);
    expect(state.pending.ledger).toMatchObject([
      { offset: 1, reportedTime: minute(1), reportedHour: hour(0) },
    ]);
    expect(cut(state).windows).toMatchObject([
      { quantity: 7n, eventCount: 1, firstOffset: 1, lastOffset: 1, usageHour: hour(0) },
    ]);
  });

  test('the ids of an accepted event stay in memory until the ledger has them', () => {
    const index = new EventIndex(0);
    fold(begun(), [sent(1)], index);
    expect(index.evict(new Set())).toBe(false);
    expect(index.missing([hour(0)])).toEqual([]);
    index.acknowledged();
    expect(index.evict(new Set())).toBe(true);
  });

  test('an id seen lower with the same content is a duplicate, and changes no window', () => {
    const state = begun();
    const event = eventOf({}, 'x');
    const otherLetters = { ...event, meterId: event.meterId.toLowerCase() };
    expect(
      fold(state, [recordOf(event, 1), recordOf(event, 2), recordOf(otherLetters, 3)]),
    ).toEqual(['accepted', 'duplicate', 'duplicate']);
    expect(state.counts).toMatchObject({ accepted: 1, duplicate: 2 });
    expect([...state.windows.values()]).toMatchObject([{ eventCount: 1, lastOffset: 1 }]);
    expect(state.pending.ledger).toHaveLength(1);
  });

  test.each<[string, Partial<UsageEvent>]>([
    ['quantity', { quantity: quantity(2n) }],
    ['location', { location: 'other' }],
    ['tags', { tags: '' }],
    ['additional information', { additionalInfo: 'null' }],
    ['end', { usageEndTime: minute(59) }],
    ['meter', { meterId: 'other' }],
  ])('an id seen lower with another %s is a conflict, and changes no window', (_, changes) => {
    const state = begun();
    const event = eventOf({}, 'x');
    expect(fold(state, [recordOf(event, 1), recordOf({ ...event, ...changes }, 2)])).toEqual([
      'accepted',
      'dead-lettered',
    ]);
    expect(state.pending.deadLetters).toMatchObject([{ code: 'conflict', record: { offset: 2 } }]);
    expect([...state.windows.values()]).toMatchObject([{ eventCount: 1 }]);
  });

  test.each([
    [0, 'at offset 0'],
    [EARLIER_EPOCH, 'in an earlier epoch of the topic'],
  ])('a conflict says where its id was accepted: %i', (offset, where) => {
    const state = begun();
    const index = new EventIndex(1 << 20);
    const event = eventOf({}, 'x');
    const table = new EventTable();
    table.add(event.eventId, offset, 0n);
    index.put(hour(0), table);
    expect(fold(state, [recordOf(event, 1)], index)).toEqual(['dead-lettered']);
    expect(state.pending.deadLetters).toMatchObject([
      { code: 'conflict', message: expect.stringContaining(where) as string },
    ]);
  });

  test('an id that the index has at this offset or a higher one is accepted: it is being folded again', () => {
    for (const seenAt of [1, 5]) {
      const state = begun();
      const index = new EventIndex(1 << 20);
      const event = eventOf({}, 'x');
      const table = new EventTable();
      table.add(event.eventId, seenAt, 0n);
      index.put(hour(0), table);
      expect(fold(state, [recordOf(event, 1)], index)).toEqual(['accepted']);
      expect(index.table(hour(0)).find(event.eventId)?.offset).toBe(1);
    }
  });

  test('offsets passed without a record count as control, and the fold goes on behind them', () => {
    const state = begun();
    skipTo(state, 5);
    expect(state).toMatchObject({ nextOffset: 5, counts: { control: 5 } });
    expect(cut(state).checkpoint).toMatchObject({ nextOffset: 5, lastRecord: { offset: 0 } });
  });

  test('offsets that the log skips count as control', () => {
    const state = begun();
    fold(state, [sent(4), sent(7)]);
    expect(state.counts).toEqual({
      accepted: 2,
      duplicate: 0,
      deadLettered: 0,
      control: 1 + 3 + 2,
      lost: 0,
    });
    expect(state.nextOffset).toBe(8);
  });

  test('a window shows the attributes of its event with the lowest offset, and sums exactly', () => {
    const state = begun();
    fold(state, [
      sent(1, { meterId: 'Meter', tags: 'first', quantity: quantity(10n ** 44n) }),
      sent(2, { meterId: 'METER', tags: 'second', quantity: quantity(1n) }),
    ]);
    expect([...state.windows.values()]).toMatchObject([
      {
        meterId: 'Meter',
        meterKey: 'meter',
        tags: 'first',
        quantity: 10n ** 44n + 1n,
        eventCount: 2,
      },
    ]);
  });

  test('a window that was stored ahead of the checkpoint is not added to again', () => {
    const state = begun();
    fold(state, [sent(1), sent(2)]);
    const [stored] = state.windows.values();
    const again = begun();
    if (stored) again.windows = new OpenWindows([stored]);
    expect(fold(again, [sent(1), sent(2), sent(3)])).toEqual(['accepted', 'accepted', 'accepted']);
    expect([...again.windows.values()]).toMatchObject([
      { eventCount: 3, firstOffset: 1, lastOffset: 3 },
    ]);
    expect([...again.pending.ledger].map(({ offset }) => offset)).toEqual([1, 2, 3]);
  });

  test('folding on past a halt is a defect', () => {
    const state = begun();
    const halting = stepOf(state, rulesAt(place, 1, minute(1), { version: 2, foldVersion: 9 }));
    expect(halting.verdict.kind).toBe('halt');
    expect(() => count(state, halting, new EventIndex(0))).toThrow('folded on past a halt');
  });
});

describe('closing hours', () => {
  test('a record of a later hour closes the open one with its windows, and the empty ones between', () => {
    const state = begun();
    fold(state, [sent(1)]);
    cut(state);
    fold(state, [controlAt(place, 'tick', 2, minute(190))]);
    expect(state.pending.closed).toMatchObject([
      { hour: hour(0), windows: [{ eventCount: 1 }] },
      { hour: hour(1), windows: [] },
      { hour: hour(2), windows: [] },
    ]);
    expect(state.windows.size).toBe(0);
    expect(cut(state).checkpoint.openHour).toBe(hour(3));
  });

  test.each<[string, (offset: number) => LogRecord]>([
    ['a dead letter', (offset) => ({ ...sent(offset, {}, minute(61)), value: null })],
    ['an event', (offset) => sent(offset, {}, minute(61))],
    ['a duplicate', (offset) => sent(offset, {}, minute(61), '1')],
  ])('%s closes them too', (_, record) => {
    const state = begun();
    fold(state, [sent(1)]);
    cut(state);
    fold(state, [record(2)]);
    expect(state.pending.closed.map((closed) => closed.hour)).toEqual([hour(0)]);
  });

  test('an hour of which some windows have left memory says so, and the next one has all again', () => {
    const state = begun();
    state.windows = new OpenWindows(null);
    fold(state, [controlAt(place, 'tick', 2, minute(125))]);
    expect(state.pending.closed).toEqual([
      { hour: hour(0), windows: null },
      { hour: hour(1), windows: [] },
    ]);
    expect(state.windows.isWhole).toBe(true);
  });

  test('late usage counts in the hour in which it is reported', () => {
    const state = begun();
    fold(state, [sent(1)]);
    cut(state);
    fold(state, [sent(2, {}, minute(61))]);
    expect(cut(state)).toMatchObject({
      reportedHour: hour(1),
      windows: [{ usageHour: hour(0), eventCount: 1 }],
    });
  });

  test('an end closes a run’s hours up to its last one', () => {
    const run = historyPlace();
    const state = stateAtStart(run);
    fold(state, [rulesAt(run, 0, minute(0), { namespaces: ['*'] }), sent(1)]);
    cut(state);
    fold(state, [controlAt(run, 'end', 2)]);
    expect(state.pending.closed.map((closed) => [closed.hour, closed.windows?.length])).toEqual([
      [hour(0), 1],
      [hour(1), 0],
      [hour(2), 0],
      [hour(3), 0],
    ]);
  });

  test('a record outside the run closes nothing', () => {
    const run = historyPlace();
    const state = stateAtStart(run);
    fold(state, [rulesAt(run, 0), sent(1, {}, hour(9))]);
    expect(state.pending.closed).toEqual([]);
    expect(state.counts.deadLettered).toBe(1);
  });

  test('asks for a cut first where events of the open hour are pending, and only then', () => {
    const state = begun();
    const later = controlAt(place, 'tick', 2, minute(61));
    expect(mustCutBefore(state, stepOf(state, later))).toBe(false);
    fold(state, [sent(1)]);
    expect(mustCutBefore(state, stepOf(state, sent(2)))).toBe(false);
    expect(mustCutBefore(state, stepOf(state, later))).toBe(true);
    expect(mustCutBefore(state, stepOf(state, controlAt(place, 'end', 2)))).toBe(true);
    cut(state);
    expect(mustCutBefore(state, stepOf(state, later))).toBe(false);
  });
});
