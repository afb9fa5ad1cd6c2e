import {
  controlAt,
  eventOf,
  hour,
  knowledge,
  minute,
  placeOf,
  recordOf,
  rulesAt,
  stateAtStart,
} from '../../../test/support/fold/fixtures.ts';
import { FoldRun } from '../../../test/support/fold/fold-run.ts';
import { storeAll } from '../../../test/support/fold/scenarios.ts';
import { StoredWorld } from '../../../test/support/fold/stored-world.ts';
import type { LogRecord } from '../model/log-record.ts';
import type { Quantity } from '../model/decimal.ts';
import type { Millis } from '../model/time.ts';
import type { Chunk } from './chunk.ts';
import { countRemnant, mustCutBeforeRemnant, passLoss, type Remnant } from './loss.ts';

const place = placeOf();

const sent = (offset: number, at: Millis, id = String(offset)): LogRecord =>
  recordOf(eventOf({}, id), offset, at);

/** Rules and an event are stored with their checkpoint; what follows is the next flush's. */
const begun = (): { world: StoredWorld; owner: FoldRun } => {
  const world = new StoredWorld(place);
  const owner = new FoldRun(world, knowledge);
  owner.fold([rulesAt(place, 0), sent(1, minute(10))], storeAll(world));
  owner.cut(storeAll(world));
  return { world, owner };
};

/** All writes of a flush but its last one, the checkpoint. */
const storeWithoutCheckpoint =
  (world: StoredWorld) =>
  (chunk: Chunk): void =>
    world
      .writesOf([chunk])
      .slice(0, -1)
      .forEach((write) => write());

test('usage after a loss does not enter an hour that was published before it', () => {
  const { world, owner } = begun();
  owner.fold([controlAt(place, 'tick', 2, minute(61))], storeAll(world));
  owner.cut(storeWithoutCheckpoint(world));
  expect([...world.published.keys()]).toEqual([hour(0)]);

  const next = new FoldRun(world, knowledge);
  const openHour = hour(1);
  next.takeOver({ nextOffset: 5, ended: false, openHour }, storeAll(world));
  // The clock of another broker, which is behind.
  expect(next.fold([sent(5, minute(59))], storeAll(world))).toBeNull();
  next.cut(storeAll(world));
  expect(world.openWindows(hour(0))).toMatchObject([{ eventCount: 1 }]);
  expect(world.openWindows(hour(1))).toMatchObject([{ eventCount: 1, firstOffset: 5 }]);
  expect(new Set(world.published.get(hour(0))).size).toBe(1);
  expect(world.checkpoint).toMatchObject({
    nextOffset: 6,
    counts: { accepted: 2, control: 1, lost: 3 },
  });
});

test('what the tables hold of lost records counts, and an event that is sent again is a duplicate', () => {
  const { world, owner } = begun();
  owner.fold([sent(2, minute(11)), sent(4, minute(12))], storeAll(world));
  owner.cut(storeWithoutCheckpoint(world));

  const next = new FoldRun(world, knowledge);
  next.takeOver({ nextOffset: 10, ended: false, openHour: hour(0) }, storeAll(world));
  expect(world.checkpoint).toMatchObject({
    nextOffset: 10,
    lastRecord: null,
    counts: { accepted: 3, duplicate: 0, control: 1, lost: 6 },
  });
  next.fold([sent(10, minute(13), '4'), sent(11, minute(13), '7')], storeAll(world));
  next.cut(storeAll(world));
  expect(world.checkpoint?.counts).toMatchObject({ accepted: 4, duplicate: 1 });
  expect(world.openWindows(hour(0))).toMatchObject([{ eventCount: 4 }]);
});

test('an epoch that ends without its log closes and publishes its open hour', () => {
  const { world, owner } = begun();
  owner.fold([sent(2, minute(11))], storeAll(world));
  owner.cut(storeWithoutCheckpoint(world));

  const next = new FoldRun(world, knowledge);
  next.takeOver({ nextOffset: 4, ended: true, openHour: hour(0) }, storeAll(world));
  expect(world.checkpoint).toMatchObject({
    nextOffset: 4,
    openHour: hour(1),
    sealed: true,
    counts: { accepted: 2, control: 2, lost: 0 },
  });
  expect([...world.published.keys()]).toEqual([hour(0)]);
});

describe('what is left of lost records', () => {
  const accepted = (offset: number, reportedTime: Millis): Remnant => ({
    kind: 'accepted',
    offset,
    reportedTime,
    quantity: 3n as Quantity,
    event: {
      usageHour: hour(0),
      subscriptionKey: 's',
      meterKey: 'm',
      resourceKey: 'r',
      subscriptionId: 'S',
      meterId: 'M',
      resourceUri: 'R',
      location: '',
      tags: null,
      additionalInfo: null,
    },
  });

  test('counts as what it was, and those before it as lost', () => {
    const state = stateAtStart(place);
    countRemnant(state, accepted(2, minute(10)));
    countRemnant(state, { kind: 'dead-lettered', offset: 5, reportedTime: minute(20) });
    expect(state).toMatchObject({
      nextOffset: 6,
      lastRecord: null,
      counts: { accepted: 1, duplicate: 0, deadLettered: 1, control: 0, lost: 4 },
      timeline: { watermark: minute(20), openHour: hour(0) },
    });
    expect([...state.windows.values()]).toMatchObject([
      { quantity: 3n, eventCount: 1, firstOffset: 2, lastOffset: 2, meterId: 'M' },
    ]);
  });

  test('is cut off before it only where it begins an hour and windows of another are pending', () => {
    const state = stateAtStart(place);
    expect(mustCutBeforeRemnant(state, accepted(0, minute(70)))).toBe(false);
    countRemnant(state, accepted(0, minute(10)));
    expect(mustCutBeforeRemnant(state, accepted(1, minute(59)))).toBe(false);
    expect(mustCutBeforeRemnant(state, accepted(1, minute(60)))).toBe(true);
  });

  test('moves the reported time forward alone', () => {
    const state = stateAtStart(place);
    countRemnant(state, accepted(0, minute(70)));
    countRemnant(state, accepted(1, minute(10)));
    expect(state.timeline).toMatchObject({ watermark: minute(70), openHour: hour(1) });
  });
});

describe('where the tables hold more than the person knew who accepted the loss', () => {
  const stateAt = (nextOffset: number) => {
    const state = stateAtStart(place);
    countRemnant(state, { kind: 'dead-lettered', offset: nextOffset - 1, reportedTime: minute(1) });
    return state;
  };

  test('counting goes on behind it, and loses nothing of it', () => {
    const state = stateAt(8);
    passLoss(state, { nextOffset: 5, ended: false, openHour: hour(2) });
    expect(state).toMatchObject({
      nextOffset: 8,
      counts: { deadLettered: 1, control: 0, lost: 7 },
      timeline: { watermark: hour(2), openHour: hour(2), sealed: false },
    });
  });

  test('the epoch ends behind it, with an end of its own', () => {
    const state = stateAt(8);
    passLoss(state, { nextOffset: 5, ended: true, openHour: hour(2) });
    expect(state).toMatchObject({
      nextOffset: 9,
      counts: { deadLettered: 1, control: 1, lost: 7 },
      timeline: { openHour: hour(3), sealed: true },
    });
    expect(state.pending.closed.map((closed) => closed.hour)).toEqual([hour(0), hour(1), hour(2)]);
  });
});
