import { timeOf } from '../../shared/model/time-text.ts';
import { HOUR_MILLIS } from '../../shared/model/time.ts';
import { adjustmentId } from './adjustment.ts';
import { readRequest, type GivenAdjustment } from './read-request.ts';

const SUBSCRIPTION = '1d6c4363-3a9b-4cb6-8e6c-fc2e9ec74ca4';
const GIVEN: GivenAdjustment = {
  subscription: SUBSCRIPTION,
  resource: `/subscriptions/${SUBSCRIPTION}/resourceGroups/rg/providers/Microsoft.Compute/virtualMachines/vm`,
  meter: 'fab6eb84-500b-4a09-a8ca-7358f8bbaea5',
  usageHour: '2026-11-27T10:00:00Z',
  quantity: '-12.5',
  reason: 'counted twice',
};
const NOW = timeOf('2026-11-27T12:30:00Z');

const read = (changes: Partial<GivenAdjustment> = {}) =>
  readRequest({ ...GIVEN, ...changes }, HOUR_MILLIS, NOW);

const problemsOf = (changes: Partial<GivenAdjustment>): readonly string[] => {
  const found = read(changes);
  return found.ok ? [] : found.error;
};

const idOf = (changes: Partial<GivenAdjustment> = {}): string => {
  const found = read(changes);
  if (!found.ok) throw new Error(found.error.join());
  return adjustmentId(found.value);
};

test('a whole request is read exactly', () => {
  const request = read({ quantity: '-0.000000000000000000000000000001' });
  expect(request).toMatchObject({ ok: true, value: { quantity: -1n, key: '', forced: false } });
});

test('every problem is named at once', () => {
  const found = problemsOf({
    subscription: undefined,
    resource: '/subscriptions/x',
    meter: ' ',
    usageHour: '2026-11-27T10:30:00Z',
    quantity: 'many',
    reason: 'two\nlines',
    key: '',
    location: 'a\u001b[2J',
  });
  expect(found).toEqual([
    '--subscription is missing',
    expect.stringMatching(/^--resource must be the whole URI/),
    '--meter is missing',
    expect.stringMatching(/^--usage-hour must be the start of a UTC hour/),
    expect.stringMatching(/^--quantity must be a decimal/),
    '--reason must be one line of text',
    '--key is missing',
    '--location must be one line of text',
  ]);
});

test.each<[string, Partial<GivenAdjustment>, RegExp]>([
  ['a time without an offset', { usageHour: '2026-11-27T10:00:00' }, /^--usage-hour .*offset/],
  [
    'an hour that has not begun',
    { usageHour: '2026-11-27T13:00:00Z' },
    /^--usage-hour has not begun/,
  ],
  ['zero', { quantity: '0.0' }, /^--quantity is zero/],
  ['31 decimal places', { quantity: '1e-31' }, /^--quantity must be a decimal/],
  ['a quadrillion taken back', { quantity: '-1e15' }, /^--quantity must be between/],
  ['a quadrillion', { quantity: '1e15' }, /^--quantity must be between/],
  ['a control character in the meter', { meter: 'a\u0001b' }, /^--meter cannot be used/],
  ['another subscription', { subscription: 'another' }, /^--resource is in subscription/],
  [
    'a location of more bytes than usage may have',
    { location: 'é'.repeat(513) },
    /^--location cannot be used: location has over 1,024 bytes/,
  ],
  ['a long reason', { reason: 'x'.repeat(501) }, /^--reason has over 500 characters/],
])('%s is a problem', (_, changes, message) => {
  expect(problemsOf(changes)).toEqual([expect.stringMatching(message)]);
});

test('the hour that is running may be adjusted', () => {
  expect(problemsOf({ usageHour: '2026-11-27T12:00:00Z' })).toEqual([]);
});

test('a request has the same id however it is written, and whatever its reason', () => {
  const same: Partial<GivenAdjustment>[] = [
    { quantity: '-12.50' },
    { quantity: '-125e-1' },
    { reason: 'counted twice, see the ticket' },
    { meter: GIVEN.meter?.toUpperCase() },
    { resource: GIVEN.resource?.toUpperCase() },
    { usageHour: '2026-11-27T12:00:00+02:00' },
    { force: true },
  ];
  expect(new Set([idOf(), ...same.map(idOf)]).size).toBe(1);
});

test('another usage, quantity or key is another adjustment', () => {
  const others: Partial<GivenAdjustment>[] = [
    {},
    { quantity: '12.5' },
    { usageHour: '2026-11-27T09:00:00Z' },
    { meter: 'another' },
    { resource: `${GIVEN.resource ?? ''}2` },
    { key: 'second' },
    { key: '-12.5' },
  ];
  expect(new Set(others.map(idOf)).size).toBe(others.length);
});

test('under a key the quantity does not tell adjustments apart: a mistaken one is found', () => {
  expect(idOf({ key: 'ticket 7' })).toBe(idOf({ key: 'ticket 7', quantity: '-13' }));
});
