import { isoText, millis } from '../../shared/model/time.ts';
import { checkEvent, type CheckRules } from './event-check.ts';
import { timeOf } from '../../shared/model/time-text.ts';

const NOW = timeOf('2026-03-10T12:34:56.789Z');
const DAY = 24 * 3_600_000;

const rules: CheckRules = {
  now: NOW,
  maxAgeMillis: DAY,
  hourMillis: 3_600_000,
  dimensions: new Set(['dim1']),
};

const good = {
  resourceUri: '/subscriptions/s/resourceGroups/g/providers/Microsoft.Compute/disks/d',
  quantity: 5,
  dimension: 'dim1',
  effectiveStartTime: '2026-03-10T11:30:14',
  planId: 'plan1',
};

/** `status target …` of a refusal; `valid` where there is none. */
const verdict = (changes: Readonly<Record<string, unknown>>, changed = rules): string => {
  const checked = checkEvent({ ...good, ...changes }, changed);
  return checked.kind === 'valid'
    ? 'valid'
    : [checked.status, ...checked.details.map(({ target }) => target)].join(' ');
};

const at = (instant: number): { readonly effectiveStartTime: string } => ({
  effectiveStartTime: isoText(millis(instant)),
});

test('a good event keeps its spelling, and its hour and quantity are read', () => {
  const checked = checkEvent({ ...good, dimension: 'DIM1' }, rules);
  if (checked.kind !== 'valid') throw new Error('it was refused');
  const { event } = checked;
  expect(event).toMatchObject({
    resource: { resourceUri: good.resourceUri },
    dimension: 'DIM1',
    effectiveStartTime: '2026-03-10T11:30:14',
    planId: 'plan1',
  });
  expect(isoText(event.hour)).toBe('2026-03-10T11:00:00Z');
  expect(event.quantity).toBe(5);
});

describe('the resource', () => {
  const id = '11111111-2222-3333-4444-555555555555';
  const uri = good.resourceUri;
  test.each([
    ['an id alone', { resourceId: id, resourceUri: null }, 'valid'],
    ['a URI alone', { resourceId: null, resourceUri: uri }, 'valid'],
    ['both', { resourceId: id, resourceUri: uri }, 'BadArgument resourceId'],
    ['neither', { resourceUri: undefined }, 'BadArgument resourceId'],
    ['an id that is no UUID', { resourceId: 'x', resourceUri: null }, 'BadArgument resourceId'],
    ['an empty URI', { resourceUri: '' }, 'BadArgument resourceUri'],
    ['a number as URI', { resourceUri: 1 }, 'BadArgument resourceUri'],
    ['a URI with a NUL in it', { resourceUri: '/a\0b' }, 'BadArgument resourceUri'],
    ['half a surrogate pair', { resourceUri: '/a\ud800b' }, 'BadArgument resourceUri'],
    ['an overlong URI', { resourceUri: '/'.repeat(1025) }, 'BadArgument resourceUri'],
  ])('%s', (_name, changes, expected) => {
    expect(verdict(changes)).toBe(expected);
  });
});

describe('the quantity', () => {
  test.each([
    ['1e-300', 'valid'],
    ['49.384377100419951', 'valid'],
    ['1e300', 'valid'],
    ['0', 'InvalidQuantity quantity'],
    ['1e-999', 'InvalidQuantity quantity'],
    ['-1e-30', 'InvalidQuantity quantity'],
    ['1e999999999', 'BadArgument quantity'],
  ])('%s is %s', (text, expected) => {
    expect(verdict({ quantity: Number(text) })).toBe(expected);
  });

  test.each([
    ['"5"', '5'],
    ['null', null],
    ['true', true],
    ['an object', {}],
  ])('%s is no number', (_name, quantity) => {
    expect(verdict({ quantity })).toBe('BadArgument quantity');
  });
});

describe('the age', () => {
  test.each([
    ['now', NOW, 'valid'],
    ['a millisecond in the future', NOW + 1, 'Expired effectiveStartTime'],
    ['24 hours ago', NOW - DAY, 'valid'],
    ['a millisecond more than 24 hours ago', NOW - DAY - 1, 'Expired effectiveStartTime'],
  ])('%s', (_name, instant, expected) => {
    expect(verdict(at(instant))).toBe(expected);
  });

  test('without a limit any past hour is taken, and still no future one', () => {
    const unlimited = { ...rules, maxAgeMillis: null };
    expect(verdict({ effectiveStartTime: '2019-12-10T19:00:00Z' }, unlimited)).toBe('valid');
    expect(verdict(at(NOW + 1), unlimited)).toBe('Expired effectiveStartTime');
  });

  test.each(['2026-03-10', '2026-02-30T00:00:00Z', 'yesterday'])('"%s" is no time', (text) => {
    expect(verdict({ effectiveStartTime: text })).toBe('BadArgument effectiveStartTime');
  });
});

test('an unknown dimension is invalid, unless every dimension is known', () => {
  expect(verdict({ dimension: 'dim2' })).toBe('InvalidDimension dimension');
  expect(verdict({ dimension: 'dim2' }, { ...rules, dimensions: null })).toBe('valid');
});

test('everything that is missing is named at once', () => {
  expect(checkEvent({}, rules)).toEqual({
    kind: 'refused',
    status: 'BadArgument',
    details: ['resourceId', 'quantity', 'dimension', 'effectiveStartTime', 'planId'].map(
      (target) => ({ target, message: `The ${target} is required.` }),
    ),
  });
});

test('what resending cannot mend is told before what a later event can carry', () => {
  const old = at(NOW - DAY - 1);
  const zero = { quantity: 0 };
  expect(verdict({ ...old, dimension: 'dim2' })).toBe('InvalidDimension dimension');
  expect(verdict({ ...old, ...zero })).toBe('InvalidQuantity quantity');
  expect(verdict({ ...old, ...zero, planId: '' })).toBe('BadArgument planId');
});

test.each([[null], ['text'], [[]], [1]])('%p is no event', (input) => {
  expect(checkEvent(input, rules)).toMatchObject({ status: 'BadArgument' });
});

describe('the additionalInfo', () => {
  const info = (changes: Readonly<Record<string, unknown>>): string =>
    verdict({
      additionalInfo: {
        'azureStack.SubscriptionId': 's',
        'azureStack.MeterId': 'm1,m2',
        'azureStack.Location': 'local',
        'azureStack.EventDateTime': '03/10/2026 11:00:00',
        ...changes,
      },
    });
  const months = (...parts: readonly (readonly [string, unknown])[]): string =>
    info({ usageMonths: parts.map(([month, quantity]) => ({ month, quantity })) });

  test('is kept as it came', () => {
    const usageMonths = [
      { month: '2026-02', quantity: '4.9' },
      { month: '2026-03', quantity: '0.1' },
    ];
    const checked = checkEvent({ ...good, additionalInfo: { usageMonths } }, rules);
    expect(checked).toMatchObject({ event: { additionalInfo: { usageMonths } } });
    expect(checkEvent(good, rules)).toMatchObject({ event: { additionalInfo: null } });
  });

  test('may say the months of usage, whose quantities add up to the double', () => {
    expect(info({})).toBe('valid');
    expect(months(['2026-02', '2.5'], ['2026-03', '2.5'])).toBe('valid');
    expect(months(['2026-02', '5'])).toBe('valid');
    expect(months(['2025-12', '4.999999999999999999999999'], ['2026-03', '0'])).toBe('valid');
    // Usage of January was taken back: see docs/adjustments.md.
    expect(months(['2026-01', '-1'], ['2026-02', '6'])).toBe('valid');
  });

  test.each([
    ['a sum that is not the quantity', [['2026-02', '2']]],
    [
      'a month twice',
      [
        ['2026-02', '2'],
        ['2026-02', '3'],
      ],
    ],
    ['a month in the future', [['2026-04', '5']]],
    ['no month', [['2026-13', '5']]],
    ['a number', [['2026-02', 5]]],
    ['a part below zero in a sum that is not the quantity', [['2026-01', '-5']]],
    ['no months', []],
  ] as const)('%s is refused', (_name, parts) => {
    expect(months(...(parts as readonly (readonly [string, unknown])[]))).toBe(
      'BadArgument additionalInfo',
    );
  });

  test.each([
    [{ 'azureStack.SubscriptionId': '' }],
    [{ 'azureStack.EventDateTime': '2026-03-10T11:00:00Z' }],
    [{ 'azureStack.Colour': 'red' }],
  ])('%j is refused', (changes) => {
    expect(info(changes)).toBe('BadArgument additionalInfo');
  });

  test.each([['text'], [[]], [1]])('%j is none', (additionalInfo) => {
    expect(verdict({ additionalInfo })).toBe('BadArgument additionalInfo');
  });
});
