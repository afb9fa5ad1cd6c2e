import type { Hour, Millis } from '../../../services/shared/model/time.ts';
import { HOUR_MILLIS, millis } from '../../../services/shared/model/time.ts';
import type { UsageEvent } from '../../../services/shared/model/usage-event.ts';
import type { Emission } from './emission.ts';
import { ExpectedTotals, type ExpectedSource } from './expected-totals.ts';
import { quantityOf } from './quantities.ts';

const MIDNIGHT = Date.UTC(2026, 0, 10);
const hour = (n: number): Hour => (MIDNIGHT + n * HOUR_MILLIS) as Hour;

const source: ExpectedSource = {
  topic: 'usage.events.compute',
  epoch: 1,
  kind: 'live',
  partitions: 2,
  firstHour: hour(0),
  lastHour: null,
  hourMillis: HOUR_MILLIS,
};
const at = { topic: source.topic, epoch: 1, partition: 0 };

const event = (id: number, changes: Partial<UsageEvent> = {}): UsageEvent => ({
  eventId: new Uint8Array(16).fill(id),
  subscriptionId: 'Sub',
  meterId: 'meter',
  resourceUri: '/subscriptions/Sub/providers/Microsoft.Compute/vm',
  usageStartTime: hour(0),
  usageEndTime: hour(1),
  quantity: quantityOf('1.5'),
  location: 'local',
  tags: null,
  additionalInfo: null,
  ...changes,
});

const emission = (intent: Emission['intent']): Emission => ({
  kind: 'fresh',
  topic: at.topic,
  epoch: 1,
  partition: 0,
  key: null,
  value: null,
  headers: {},
  timestamp: millis(0),
  intent,
});
const sent = (...args: Parameters<typeof event>): Emission =>
  emission({ kind: 'event', event: event(...args) });

const bare = { key: null, value: null, headers: {} };

const withRules = (given: ExpectedSource = source): ExpectedTotals => {
  const totals = new ExpectedTotals([given]);
  totals.control(at, 0, given.firstHour, 'rules', bare);
  return totals;
};
const later = (minutes: number): Millis => millis(MIDNIGHT + minutes * 60_000);

test('adds the events of a window up and shows the attributes of the first one', () => {
  const totals = withRules();
  totals.record(at, 1, later(1), sent(1, { subscriptionId: 'SUB', tags: 'first' }));
  totals.record(at, 2, later(2), sent(2, { meterId: 'METER', tags: 'second' }));
  expect([...totals.hourly()]).toMatchObject([
    { quantity: quantityOf('3'), eventCount: 2, firstOffset: 1, lastOffset: 2 },
  ]);
  expect([...totals.hourly()][0]?.first.tags).toBe('first');
});

test('keeps reported hours apart, by a time that never goes back', () => {
  const totals = withRules();
  totals.record(at, 1, later(61), sent(1));
  totals.record(at, 2, later(1), sent(2));
  totals.record(at, 3, later(121), sent(3));
  expect([...totals.hourly()].map(({ reported, eventCount }) => [reported, eventCount])).toEqual([
    [hour(1), 2],
    [hour(2), 1],
  ]);
  expect(totals.partition(at)).toMatchObject({ watermark: later(121), openHour: hour(2) });
});

test('counts an event once, and refuses another one under its id', () => {
  const totals = withRules();
  totals.record(at, 1, later(1), sent(1));
  totals.record(at, 2, later(1), sent(1, { subscriptionId: 'sub' }));
  totals.record(at, 3, later(1), sent(1, { quantity: quantityOf('2') }));
  const partition = totals.partition(at);
  expect(partition).toMatchObject({ accepted: 1, duplicate: 1, deadLettered: 1, control: 1 });
  expect(partition.deadLetters).toMatchObject([{ offset: 3, code: 'conflict' }]);
});

test('an event of an earlier epoch of the topic is a duplicate on any partition', () => {
  const totals = new ExpectedTotals([source, { ...source, epoch: 2, firstHour: hour(2) }]);
  totals.control({ ...at, partition: 1 }, 0, later(0), 'rules', bare);
  totals.record({ ...at, partition: 1 }, 1, later(1), sent(1));
  const next = { ...at, epoch: 2 };
  totals.control(next, 0, later(120), 'rules', bare);
  totals.record(next, 1, later(121), sent(1));
  expect(totals.partition(next)).toMatchObject({ accepted: 0, duplicate: 1 });
});

test.each([
  ['in-future', { usageStartTime: millis(later(1) + 1) }],
  ['too-old', { usageStartTime: millis(later(1) - 45 * 86_400_000 - 1) }],
])('refuses usage as %s by its reported time', (code, changes) => {
  const totals = withRules();
  totals.record(at, 1, later(1), sent(1, changes));
  expect(totals.partition(at).deadLetters).toMatchObject([{ code, reportedTime: later(1) }]);
});

test('accepts usage at both limits of its age', () => {
  const totals = withRules();
  totals.record(at, 1, later(1), sent(1, { usageStartTime: later(1) }));
  totals.record(at, 2, later(1), sent(2, { usageStartTime: millis(later(1) - 45 * 86_400_000) }));
  expect(totals.partition(at).accepted).toBe(2);
});

test('refuses everything before the first rules, and a forged record as such', () => {
  const totals = new ExpectedTotals([source]);
  totals.record(at, 0, later(1), sent(1));
  totals.record(at, 1, later(1), emission({ kind: 'bad', code: 'wrong-key' }));
  totals.record(at, 2, later(1), emission({ kind: 'bad', code: 'forged-control' }));
  expect(totals.partition(at).deadLetters.map(({ code }) => code)).toEqual([
    'no-rules',
    'no-rules',
    'forged-control',
  ]);
});

describe('a history run', () => {
  const run: ExpectedSource = { ...source, kind: 'history', lastHour: hour(3) };

  test('refuses what lies outside its hours, without moving the time', () => {
    const totals = withRules(run);
    totals.record(at, 1, hour(4), sent(1));
    totals.record(at, 2, millis(hour(0) - 1), sent(2));
    const partition = totals.partition(at);
    expect(partition.deadLetters.map(({ code }) => code)).toEqual(['outside-run', 'outside-run']);
    expect(partition.watermark).toBe(hour(0));
  });

  test('closes its last hour with its end, and refuses what follows', () => {
    const totals = withRules(run);
    totals.record(at, 1, hour(1), sent(1));
    totals.control(at, 2, hour(1), 'end', bare);
    totals.record(at, 3, hour(1), sent(2));
    totals.control(at, 4, hour(1), 'end', bare);
    const partition = totals.partition(at);
    expect(partition).toMatchObject({ sealed: true, openHour: hour(4), control: 3 });
    expect(partition.deadLetters.map(({ code }) => code)).toEqual(['after-end']);
  });

  test('refuses control records outside its hours, and all but another end after its end', () => {
    const totals = withRules(run);
    totals.control(at, 1, hour(9), 'rules', bare);
    totals.control(at, 2, hour(1), 'end', bare);
    totals.control(at, 3, hour(1), 'rules', bare);
    const partition = totals.partition(at);
    expect(partition.deadLetters.map(({ code }) => code)).toEqual(['outside-run', 'after-end']);
    expect(partition.control).toBe(2);
  });
});

test('rolls closed hours alone up into days of usage', () => {
  const totals = withRules();
  const yesterday = { usageStartTime: hour(-1), usageEndTime: hour(0) };
  totals.record(at, 1, later(1), sent(1));
  totals.record(at, 2, later(2), sent(2, yesterday));
  totals.record(at, 3, later(61), sent(3));
  totals.record(at, 4, later(62), sent(4));
  totals.record(at, 5, later(121), sent(5));
  const days = totals.daily().map(({ reported, usage, eventCount, lastHour, firstOffset }) => ({
    reported,
    usage,
    eventCount,
    lastHour,
    firstOffset,
  }));
  expect(days).toEqual([
    { reported: hour(0), usage: hour(0), eventCount: 3, lastHour: hour(1), firstOffset: 1 },
    { reported: hour(0), usage: hour(-24), eventCount: 1, lastHour: hour(0), firstOffset: 2 },
  ]);
});

test('counts offsets without a record as control, and refuses to be told out of order', () => {
  const totals = withRules();
  totals.record(at, 5, later(1), sent(1));
  expect(totals.partition(at)).toMatchObject({ nextOffset: 6, control: 5, accepted: 1 });
  expect(() => totals.record(at, 5, later(1), sent(2))).toThrow('was told offset 5 after 5');
});
