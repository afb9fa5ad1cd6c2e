import { parseQuantity, ZERO, type Quantity } from '../model/decimal.ts';
import { HOUR_MILLIS, type Hour } from '../model/time.ts';
import { dimensionTable } from './dimension-table.ts';
import { reconcile, type BillingSides, type Billed, type Submitted } from './reconcile.ts';

const HOUR = Date.UTC(2026, 0, 1) as Hour;
const exact = (text: string): Quantity => parseQuantity(text) ?? ZERO;

interface At {
  readonly hour?: Hour;
  readonly resource?: string;
  readonly dimension?: string;
}

const billed = (
  quantity: string,
  { hour = HOUR, resource = '/vm', dimension = 'meter' }: At = {},
): Billed => ({ hour, resourceKey: resource, dimensionKey: dimension, quantity: exact(quantity) });

const submitted = (quantity: string, outcome = 'accepted', at: At = {}): Submitted => ({
  ...billed(quantity, at),
  submissionId: `submission of ${JSON.stringify(at)}`,
  outcome,
  reason: '',
  carries: [],
  isCarriedOn: false,
  isLost: false,
});

const held = (
  quantity: string,
  { hour = HOUR, resource = '/VM', dimension = 'METER' }: At = {},
) => ({
  hour,
  resourceUri: resource,
  dimension,
  quantity: Number(quantity),
});

const sidesOf = (
  windows: BillingSides['windows'],
  submissions: BillingSides['submissions'],
  holdings: BillingSides['holdings'],
): BillingSides => ({ windows, submissions, holdings });

const tableOf = (sides: BillingSides): string =>
  dimensionTable('METER', reconcile(sides), (key) => key, sides.holdings !== null);

/** The table's heading and rows, cell by cell, without the line between them. */
const cellsOf = (sides: BillingSides): string[][] =>
  tableOf(sides)
    .split('\n')
    .filter((_, n) => n !== 1)
    .map((line) => line.trim().split(/ {2,}/));

test.each<[string, BillingSides, string, string, string]>([
  [
    'closed usage that is in no submission',
    sidesOf([billed('2')], [], []),
    'not-composed',
    '2',
    '0',
  ],
  [
    'a submission of more than its window',
    sidesOf([billed('2')], [submitted('3')], [held('3')]),
    'wrong-submission',
    '2',
    '3',
  ],
  [
    'a submission of no window',
    sidesOf([], [submitted('3')], [held('3')]),
    'wrong-submission',
    '0',
    '3',
  ],
  ...['accepted', 'duplicate', 'mismatch'].map(
    (outcome): [string, BillingSides, string, string, string] => [
      `usage that counts as ${outcome} and that Commerce has not`,
      sidesOf([billed('2')], [submitted('2', outcome)], []),
      'not-at-commerce',
      '2',
      '0',
    ],
  ),
  ...['held', 'not-reported', 'zero'].map(
    (outcome): [string, BillingSides, string, string, string] => [
      `usage that is ${outcome} and that Commerce has`,
      sidesOf([billed('2')], [submitted('2', outcome)], [held('2')]),
      'only-at-commerce',
      '0',
      '2',
    ],
  ),
  [
    'usage that Commerce has and nobody submitted',
    sidesOf([], [], [held('2')]),
    'only-at-commerce',
    '0',
    '2',
  ],
  [
    'another quantity at Commerce, of a submission whose answer is not there yet',
    sidesOf([billed('2')], [submitted('2', 'pending')], [held('5')]),
    'wrong-at-commerce',
    '2',
    '5',
  ],
])('%s is a difference', (_, sides, kind, expected, found) => {
  expect(reconcile(sides).differences).toEqual([
    {
      kind,
      hour: HOUR,
      resourceKey: '/vm',
      dimensionKey: 'meter',
      expected: exact(expected),
      found: exact(found),
      reason: '',
    },
  ]);
});

test.each<[string, BillingSides]>([
  [
    'what Commerce took before its answer was recorded',
    sidesOf([billed('2')], [submitted('2', 'pending')], [held('2')]),
  ],
  [
    'what was submitted, where Commerce was not asked',
    sidesOf([billed('2')], [submitted('2')], null),
  ],
  ['nothing at all, where Commerce was not asked', sidesOf([], [], null)],
])('%s is none', (_, sides) => {
  expect(reconcile(sides).differences).toEqual([]);
});

test('hours, resources and meters are compared each by itself', () => {
  const others: readonly At[] = [
    {},
    { hour: (HOUR + HOUR_MILLIS) as Hour },
    { resource: '/other' },
    { dimension: 'other' },
  ];
  const windows = others.map((at, n) => billed(String(n + 1), at));
  const submissions = others.map((at, n) => submitted(String(n + 1), 'accepted', at));
  const holdings = others.map((at, n) => held(String(n + 1), at));
  expect(reconcile(sidesOf(windows, submissions, holdings))).toMatchObject({
    compared: 4,
    differences: [],
  });
  for (const [missing, { quantity: expected, ...at }] of windows.entries()) {
    const rest = submissions.filter((_, n) => n !== missing);
    expect(reconcile(sidesOf(windows, rest, null))).toMatchObject({
      compared: 4,
      differences: [{ ...at, expected, kind: 'not-composed' }],
    });
  }
  expect(reconcile(sidesOf([], [], holdings))).toMatchObject({ compared: 4 });
});

test('what is not billed is told by reason and meter, the gravest first', () => {
  const waiting = [
    submitted('1', 'not-reported', { dimension: 'a' }),
    submitted('2', 'held', { dimension: 'b' }),
    submitted('3', 'held', { dimension: 'a' }),
    submitted('4', 'held', { dimension: 'a', resource: '/other' }),
    submitted('5', 'held', { dimension: 'c' }),
    submitted('6', 'dead-lettered', { dimension: 'c' }),
  ];
  const { unbilled } = reconcile(sidesOf([], waiting, null));
  expect(
    unbilled.map((each) => [each.why, each.dimensionKey, each.submissions, each.quantity]),
  ).toEqual([
    ['dead-lettered', 'c', 1, exact('6')],
    ['held', 'a', 2, exact('7')],
    ['held', 'b', 1, exact('2')],
    ['held', 'c', 1, exact('5')],
    ['not-reported', 'a', 1, exact('1')],
  ]);
});

describe('the table of the meters', () => {
  const other = { dimension: 'a-meter' };

  test('is in their order, and says of each what waits and whether its own totals are equal', () => {
    const sides = sidesOf(
      [billed('1'), billed('2', other)],
      [submitted('1'), submitted('2', 'held', other)],
      [held('1')],
    );
    expect(cellsOf(sides)).toEqual([
      ['METER', 'WINDOWS', 'SUBMITTED', 'COMMERCE'],
      ['a-meter', '2', '2', '0', '2 held'],
      ['meter', '1', '1', '1', 'equal'],
    ]);
  });

  test('has no column of a Commerce that was not asked', () => {
    expect(cellsOf(sidesOf([billed('1')], [submitted('1')], null))).toEqual([
      ['METER', 'WINDOWS', 'SUBMITTED'],
      ['meter', '1', '1', 'equal'],
    ]);
  });

  test('says that they differ where less was submitted than the windows hold', () => {
    expect(tableOf(sidesOf([billed('2')], [submitted('1')], [held('1')]))).toMatch(/ differs$/);
    expect(tableOf(sidesOf([billed('2')], [submitted('1')], null))).toMatch(/ differs$/);
  });

  test('says what was carried as soon as something was, of whichever meter', () => {
    const carried = { ...submitted('1', 'carried'), isCarriedOn: true };
    const sides = sidesOf(
      [billed('1'), billed('2', other)],
      [carried, submitted('2', 'accepted', other)],
      null,
    );
    expect(cellsOf(sides)).toEqual([
      ['METER', 'WINDOWS', 'CARRIED IN', 'CARRIED ON', 'SUBMITTED'],
      ['a-meter', '2', '0', '0', '2', 'equal'],
      ['meter', '1', '0', '1', '0', 'equal'],
    ]);
  });
});
