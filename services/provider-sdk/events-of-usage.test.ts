import fc from 'fast-check';
import {
  addQuantities,
  formatQuantity,
  QUANTITY_LIMIT,
  ZERO,
  type Quantity,
} from '../shared/model/decimal.ts';
import { timeOf } from '../shared/model/time-text.ts';
import { HOUR_MILLIS, hourOf, isoText, millis } from '../shared/model/time.ts';
import { usageEventId, uuidText, type UsageEvent } from '../shared/model/usage-event.ts';
import { eventsOfUsage } from './events-of-usage.ts';
import type { Usage } from './usage.ts';

const SUBSCRIPTION = '5f7b4f4d-4b3a-4e0a-9d3c-0a4d0c6d6f21';
const MACHINE = `/subscriptions/${SUBSCRIPTION}/resourceGroups/rg/providers/Microsoft.Compute/virtualMachines/vm`;

const usageOf = (more: Partial<Usage>): Usage => ({
  subscriptionId: SUBSCRIPTION,
  resourceUri: MACHINE,
  meterId: 'fab6eb84-500b-4a09-a8ca-7358f8bbaea5',
  from: '2026-11-27T10:00:00Z',
  to: '2026-11-27T11:00:00Z',
  quantity: 4,
  location: 'local',
  ...more,
});

const eventsOf = (more: Partial<Usage>, hourMillis?: number): readonly UsageEvent[] => {
  const events = eventsOfUsage(usageOf(more), hourMillis);
  if (!events.ok) throw new Error(JSON.stringify(events.error));
  return events.value;
};

/** `from to quantity` of each event. */
const shown = (events: readonly UsageEvent[]): readonly string[] =>
  events.map(({ usageStartTime, usageEndTime, quantity }) =>
    [isoText(usageStartTime), isoText(usageEndTime), formatQuantity(quantity)].join(' '),
  );

/** What a provider may have instead of milliseconds. */
const dateOf = (instant: string | number): Date =>
  // eslint-disable-next-line no-restricted-syntax -- callers of the SDK have dates
  new Date(typeof instant === 'string' ? timeOf(instant) : instant);

const problemsOf = (more: Partial<Record<keyof Usage, unknown>>): readonly string[] => {
  const events = eventsOfUsage(usageOf(more as Partial<Usage>));
  return events.ok ? [] : events.error.map(({ field, problem }) => `${field} ${problem}`);
};

test('usage inside an hour is one event', () => {
  const [event, ...others] = eventsOf({ tags: { b: '2', a: '1' }, additionalInfo: { size: null } });
  expect(others).toEqual([]);
  expect(event).toEqual({
    eventId: expect.any(Uint8Array) as unknown,
    subscriptionId: SUBSCRIPTION,
    resourceUri: MACHINE,
    meterId: 'fab6eb84-500b-4a09-a8ca-7358f8bbaea5',
    usageStartTime: timeOf('2026-11-27T10:00:00Z'),
    usageEndTime: timeOf('2026-11-27T11:00:00Z'),
    quantity: 4n * 10n ** 30n,
    location: 'local',
    tags: '{"a":"1","b":"2"}',
    additionalInfo: '{"size":null}',
  });
});

test('texts of tags stay as they are, and null is null', () => {
  const [text] = eventsOf({ tags: 'null', additionalInfo: '' });
  expect(text).toMatchObject({ tags: 'null', additionalInfo: '' });
  expect(eventsOf({ tags: null })[0]).toMatchObject({ tags: null, additionalInfo: null });
});

test.each<[string, Partial<Usage>, readonly string[]]>([
  [
    'the last millisecond of a day',
    { from: '2026-11-27T23:59:59.999Z', to: '2026-11-28T00:00:00Z', quantity: '0.1' },
    ['2026-11-27T23:59:59.999Z 2026-11-28T00:00:00Z 0.1'],
  ],
  [
    'a millisecond on each side of midnight, and an amount that does not divide',
    { from: '2026-11-27T23:59:59.999Z', to: '2026-11-28T00:00:00.001Z', quantity: '1e-30' },
    [
      '2026-11-27T23:59:59.999Z 2026-11-28T00:00:00Z 0',
      '2026-11-28T00:00:00Z 2026-11-28T00:00:00.001Z 0.000000000000000000000000000001',
    ],
  ],
  [
    'a third of an hour before the hour, two thirds after it',
    { from: '2026-11-27T09:40:00Z', to: '2026-11-27T10:40:00Z', quantity: 1 },
    [
      '2026-11-27T09:40:00Z 2026-11-27T10:00:00Z 0.333333333333333333333333333333',
      '2026-11-27T10:00:00Z 2026-11-27T10:40:00Z 0.666666666666666666666666666667',
    ],
  ],
  [
    'into 29 February and out of it',
    { from: '2028-02-28T23:30:00Z', to: '2028-02-29T00:30:00Z', quantity: 1n },
    [
      '2028-02-28T23:30:00Z 2028-02-29T00:00:00Z 0.5',
      '2028-02-29T00:00:00Z 2028-02-29T00:30:00Z 0.5',
    ],
  ],
  [
    'the last hour of a year',
    { from: '2026-12-31T23:00:00Z', to: '2027-01-01T00:00:00Z', quantity: '1' },
    ['2026-12-31T23:00:00Z 2027-01-01T00:00:00Z 1'],
  ],
  [
    'from the last hour of a year into the next',
    { from: '2026-12-31T23:00:00Z', to: '2027-01-01T01:00:00Z', quantity: 3 },
    [
      '2026-12-31T23:00:00Z 2027-01-01T00:00:00Z 1.5',
      '2027-01-01T00:00:00Z 2027-01-01T01:00:00Z 1.5',
    ],
  ],
  [
    'nothing, in two hours',
    { to: '2026-11-27T12:00:00Z', quantity: 0 },
    ['2026-11-27T10:00:00Z 2026-11-27T11:00:00Z 0', '2026-11-27T11:00:00Z 2026-11-27T12:00:00Z 0'],
  ],
  [
    'times of another zone, as a Date and in milliseconds',
    { from: '2026-11-27T11:00:00+01:00', to: dateOf('2026-11-27T10:30:00Z') },
    ['2026-11-27T10:00:00Z 2026-11-27T10:30:00Z 4'],
  ],
  [
    'the greatest amount of an hour',
    { quantity: `${'9'.repeat(15)}.${'9'.repeat(30)}` },
    [`2026-11-27T10:00:00Z 2026-11-27T11:00:00Z ${'9'.repeat(15)}.${'9'.repeat(30)}`],
  ],
  [
    'over 10^15 together, but not in an hour',
    { to: '2026-11-27T12:00:00Z', quantity: '1.5e15' },
    [
      '2026-11-27T10:00:00Z 2026-11-27T11:00:00Z 750000000000000',
      '2026-11-27T11:00:00Z 2026-11-27T12:00:00Z 750000000000000',
    ],
  ],
])('%s', (_name, usage, expected) => {
  expect(shown(eventsOf(usage))).toEqual(expected);
});

test('four cores that ran all day are 24 events of four core hours: 96', () => {
  const events = eventsOf({
    from: '2026-12-31T00:00:00Z',
    to: '2027-01-01T00:00:00Z',
    quantity: 96,
  });
  expect(events).toHaveLength(24);
  expect(events.every(({ quantity }) => formatQuantity(quantity) === '4')).toBe(true);
});

test('45 days are reported at once, and not an hour more', () => {
  const from = timeOf('2026-01-01T00:30:00Z');
  expect(eventsOf({ from, to: from + 45 * 24 * HOUR_MILLIS, quantity: 1 })).toHaveLength(1081);
  expect(problemsOf({ from, to: from + 45 * 24 * HOUR_MILLIS + HOUR_MILLIS })).toEqual([
    'to is over 1080 hours after the start: report it in parts',
  ]);
});

test('the id follows from the usage alone, whatever its spelling; a discriminator changes it', () => {
  const [event] = eventsOf({ quantity: 1 });
  const [again] = eventsOf({
    quantity: 2,
    resourceUri: MACHINE.toUpperCase(),
    from: dateOf('2026-11-27T10:00:00Z'),
    tags: { a: '1' },
  });
  const [other] = eventsOf({ discriminator: 'second' });
  const idOf = (of: UsageEvent | undefined): string => uuidText(of?.eventId ?? Buffer.alloc(16));
  expect(idOf(again)).toBe(idOf(event));
  expect(idOf(other)).not.toBe(idOf(event));
  expect(event && idOf(event)).toBe(event && uuidText(usageEventId(event)));
});

const periods = fc
  .tuple(
    fc.integer({ min: 0, max: 4_000_000_000_000 }),
    fc.integer({ min: 1, max: 5 * 24 * HOUR_MILLIS }),
  )
  .map(([from, length]) => ({ from, to: from + length }));

const hourLengths = fc.oneof(
  fc.constant(HOUR_MILLIS),
  fc.integer({ min: 3_000_000, max: 4 * HOUR_MILLIS }),
);

test('any usage: the parts follow one another, each inside its hour, and add up to the whole', () => {
  fc.assert(
    fc.property(
      periods,
      hourLengths,
      fc.bigInt(0n, QUANTITY_LIMIT - 1n),
      ({ from, to }, hourMillis, quantity) => {
        const text = formatQuantity(quantity as Quantity);
        const events = eventsOf({ from, to, quantity: text }, hourMillis);
        expect(events[0]?.usageStartTime).toBe(from);
        expect(events.at(-1)?.usageEndTime).toBe(to);
        const isRight = events.map(({ usageStartTime: start, usageEndTime: end }, n) => {
          const isInHour = hourOf(millis(end - 1), hourMillis) === hourOf(start, hourMillis);
          return start < end && isInHour && (events[n + 1]?.usageStartTime ?? end) === end;
        });
        expect(isRight).not.toContain(false);
        expect(events.map((event) => event.quantity).reduce(addQuantities, ZERO)).toBe(quantity);
        expect(new Set(events.map(({ eventId }) => uuidText(eventId))).size).toBe(events.length);
      },
    ),
  );
});

test('any usage: no part is more than the last decimal away from its share', () => {
  fc.assert(
    fc.property(periods, fc.bigInt(0n, QUANTITY_LIMIT - 1n), ({ from, to }, quantity) => {
      const parts = eventsOf({ from, to, quantity: formatQuantity(quantity as Quantity) });
      const length = BigInt(to - from);
      const isNear = parts.map((part) => {
        const exact = quantity * BigInt(part.usageEndTime - part.usageStartTime);
        const difference = part.quantity * length - exact;
        return difference > -length && difference < length;
      });
      expect(isNear).not.toContain(false);
    }),
  );
});

test.each<[Partial<Record<keyof Usage, unknown>>, string]>([
  [{ subscriptionId: undefined }, 'subscriptionId is missing: give a text'],
  [{ meterId: 7 }, 'meterId is not a text'],
  [{ meterId: '' }, 'meterId has 0 bytes, allowed are 1 to 1,024'],
  [{ meterId: 'a\u0000' }, 'meterId holds the character U+0000: no name may'],
  [{ resourceUri: '/x' }, `resourceUri does not begin with /subscriptions/${SUBSCRIPTION}/`],
  [{ location: '' }, 'location is missing: give a text'],
  [{ location: 'l'.repeat(1025) }, 'location has over 1,024 bytes'],
  [{ location: '\ud800' }, 'location holds half of a surrogate pair'],
  [{ tags: ['a'] }, 'tags must be an object, a text or null'],
  [{ tags: { a: 1 } }, 'tags has "a", whose value is not a text'],
  [{ tags: 't'.repeat(65537) }, 'tags has over 65,536 bytes'],
  [{ additionalInfo: { a: 1n } }, 'additionalInfo cannot be written as JSON: '],
  [{ discriminator: 1 }, 'discriminator must be a text'],
  [{ from: undefined }, 'from is missing: give a Date, milliseconds since 1970, or a text like'],
  [{ from: '2026-11-27T10:00:00' }, 'from "2026-11-27T10:00:00" does not say its offset from UTC'],
  [{ from: '2026-11-27T10:00:00.0001Z' }, 'is finer than a millisecond'],
  [{ from: dateOf(NaN) }, 'from is an invalid Date'],
  [{ from: 1.5 }, 'from is 1.5, which is no whole number of milliseconds'],
  [{ from: -1 }, 'from is not in the years 1970 to 9999'],
  [{ from: 8.64e15 }, 'from is not in the years 1970 to 9999'],
  [{ to: '2026-11-27T10:00:00Z' }, 'to is not after the start of the usage'],
  [{ to: '2026-11-27T09:00:00Z' }, 'to is not after the start of the usage'],
  [{ quantity: undefined }, 'quantity is missing: give an amount'],
  [{ quantity: null }, 'quantity is missing: give an amount'],
  [{ quantity: '1,5' }, 'quantity is "1,5", which is no decimal number'],
  [{ quantity: NaN }, 'quantity is "NaN", which is no decimal number'],
  [{ quantity: '1e-31' }, 'quantity is "1e-31", which is no decimal number with at most 30'],
  [{ quantity: -1 }, 'quantity is below zero'],
  [{ quantity: 10n ** 15n }, 'quantity comes to 1000000000000000: it must be below 10^15'],
  [
    { quantity: 3n * 10n ** 15n, to: '2026-11-27T12:00:00Z' },
    'quantity comes to 1500000000000000, in the hour of 2026-11-27T10:00:00Z alone: it must be below',
  ],
])('%p is refused: %s', (more, message) => {
  const problems = problemsOf(more);
  expect(problems).toHaveLength(1);
  expect(problems[0]).toContain(message);
});

test('every problem is named at once, unknown fields too', () => {
  const wrong = { meterId: '', from: 'now', quantity: -1, tag: {} };
  expect(problemsOf(wrong as object)).toEqual([
    'meterId has 0 bytes, allowed are 1 to 1,024',
    'from "now" is no time: write it like 2019-12-10T19:00:00Z',
    'quantity is below zero',
    expect.stringMatching(/^tag is not known: known are subscriptionId, /) as unknown,
  ]);
  expect(eventsOfUsage(null as never)).toEqual({
    ok: false,
    error: [{ field: 'usage', problem: 'is not an object' }],
  });
});

test.each([0, -1, 0.5, NaN])('an hour of %p milliseconds is refused', (hourMillis) => {
  expect(() => eventsOf({}, hourMillis)).toThrow(RangeError);
});
