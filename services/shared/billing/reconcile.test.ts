import { formatQuantity, parseQuantity, ZERO, type Quantity } from '../model/decimal.ts';
import { HOUR_MILLIS, type Hour } from '../model/time.ts';
import { dimensionTable } from './dimension-table.ts';
import { reconcile, type BillingSides, type Submitted } from './reconcile.ts';

const FIRST = Date.UTC(2026, 0, 1) as Hour;
const SECOND = (FIRST + HOUR_MILLIS) as Hour;
const BOTH = { from: FIRST, end: (SECOND + HOUR_MILLIS) as Hour };

const exact = (text: string): Quantity => {
  const quantity = parseQuantity(text);
  if (quantity === null) throw new Error(`no quantity: ${text}`);
  return quantity;
};

const vm = { resourceKey: '/vm', dimensionKey: 'meter' };
const window = (hour: Hour, quantity: string) => ({ hour, ...vm, quantity: exact(quantity) });
const submission = (hour: Hour, quantity: string, more: Partial<Submitted>): Submitted => ({
  ...window(hour, quantity),
  submissionId: String(hour),
  outcome: 'accepted',
  reason: '',
  carries: [],
  isCarriedOn: false,
  isLost: false,
  ...more,
});
const holding = (hour: Hour, quantity: string) => ({
  hour,
  resourceUri: '/VM',
  dimension: 'METER',
  quantity: Number(quantity),
});

/** 36.5 of the first hour was taken no more, and is inside the 73.1 of the second. */
const CARRIED: BillingSides = {
  windows: [window(FIRST, '36.5'), window(SECOND, '36.6')],
  submissions: [
    submission(FIRST, '36.5', { outcome: 'carried', isCarriedOn: true }),
    submission(SECOND, '73.1', { carries: [String(FIRST)] }),
  ],
  holdings: [holding(SECOND, '73.1')],
};

const tableOf = (sides: BillingSides, span = BOTH): string =>
  dimensionTable('METER', reconcile(sides, span), (key) => key, sides.holdings !== null);

test('what is carried into a later hour is submitted once: its totals are those of the windows', () => {
  const { differences, dimensions, unbilled } = reconcile(CARRIED, BOTH);
  expect(differences).toEqual([]);
  expect(unbilled).toEqual([]);
  expect(
    dimensions.map(({ windows, submitted }) => [windows, submitted].map(formatQuantity)),
  ).toEqual([['73.1', '73.1']]);
  expect(tableOf(CARRIED)).toMatch(
    /^METER +WINDOWS +CARRIED IN +CARRIED ON +SUBMITTED +COMMERCE\n.*\nmeter +73\.1 +36\.5 +36\.5 +73\.1 +73\.1 +equal$/,
  );
});

test('of hours that took over what came before them, the table says what was carried', () => {
  const second = { ...BOTH, from: SECOND };
  expect(reconcile(CARRIED, second).differences).toEqual([]);
  expect(tableOf(CARRIED, second)).toMatch(/\nmeter +36\.6 +36\.5 +0 +73\.1 +73\.1 +equal$/);
  const first = { ...BOTH, end: SECOND };
  expect(tableOf(CARRIED, first)).toMatch(/\nmeter +36\.5 +0 +36\.5 +0 +0 +equal$/);
});

test('what waits to be carried is not billed yet, and no difference', () => {
  const waiting: BillingSides = {
    windows: [window(FIRST, '36.5')],
    submissions: [submission(FIRST, '36.5', { outcome: 'carried' })],
    holdings: [],
  };
  expect(reconcile(waiting, BOTH)).toMatchObject({
    differences: [],
    unbilled: [{ why: 'carried', submissions: 1, quantity: exact('36.5') }],
  });
  expect(tableOf(waiting)).toMatch(/ 36\.5 carried$/);
});

test('usage that Commerce refused for good is a difference, with the reason: it is never billed', () => {
  const refused: BillingSides = {
    windows: [window(FIRST, '7')],
    submissions: [
      submission(FIRST, '7', { outcome: 'dead-lettered', reason: 'BadArgument: no valid text' }),
    ],
    holdings: [],
  };
  const expected = {
    kind: 'refused',
    hour: FIRST,
    ...vm,
    expected: exact('7'),
    found: ZERO,
    reason: 'BadArgument: no valid text',
  };
  expect(reconcile(refused, BOTH)).toMatchObject({
    differences: [expected],
    unbilled: [{ why: 'dead-lettered', submissions: 1, quantity: exact('7') }],
  });
  expect(reconcile({ ...refused, holdings: null }, BOTH).differences).toEqual([expected]);
});

test.each(['held', 'pending', 'not-reported'])(
  '%s usage is told apart from what is billed',
  (outcome) => {
    const sides: BillingSides = {
      windows: [window(FIRST, '1'), window(SECOND, '2')],
      submissions: [submission(FIRST, '1', { outcome }), submission(SECOND, '2', {})],
      holdings: [holding(SECOND, '2')],
    };
    const found = reconcile(sides, BOTH);
    expect(found.differences).toEqual([]);
    expect(found.unbilled).toEqual([
      { dimensionKey: 'meter', why: outcome, submissions: 1, quantity: exact('1') },
    ]);
    expect(tableOf(sides)).toMatch(new RegExp(` 1 ${outcome}$`));
  },
);

test('totals that differ say so', () => {
  const sides: BillingSides = {
    windows: [window(FIRST, '1')],
    submissions: [submission(FIRST, '1', {})],
    holdings: [holding(FIRST, '3')],
  };
  expect(reconcile(sides, BOTH).differences).toMatchObject([{ kind: 'wrong-at-commerce' }]);
  expect(tableOf(sides)).toMatch(/ differs$/);
});

test('a carry that is in no later hour, although its hour is composed, is a difference and named', () => {
  const lost = submission(FIRST, '36.5', { outcome: 'carried', isLost: true });
  const sides = { ...CARRIED, submissions: [lost, submission(SECOND, '36.6', {})] };
  const { differences, unbilled } = reconcile(
    { ...sides, holdings: [holding(SECOND, '36.6')] },
    BOTH,
  );
  expect(unbilled).toEqual([]);
  expect(differences).toEqual([
    {
      kind: 'lost-carry',
      hour: FIRST,
      ...vm,
      expected: exact('36.5'),
      found: ZERO,
      reason: '',
    },
  ]);
});

test('of two sources with usage of one hour, one sends it and the other carries it: nothing differs', () => {
  const held = submission(FIRST, '36.5', {
    submissionId: 'other',
    outcome: 'carried',
    isCarriedOn: true,
  });
  const sides = (later: string, more: Partial<Submitted> = {}): BillingSides => ({
    windows: [window(FIRST, '73'), window(SECOND, '1')],
    submissions: [
      submission(FIRST, '36.5', more),
      held,
      submission(SECOND, later, { carries: ['other'] }),
    ],
    holdings: [holding(FIRST, '36.5'), holding(SECOND, later)],
  });
  expect(reconcile(sides('37.5'), BOTH).differences).toEqual([]);
  expect(reconcile(sides('1'), BOTH).differences).toMatchObject([{ kind: 'wrong-submission' }]);
  expect(reconcile(sides('37.5', { outcome: 'carried' }), BOTH).differences).toMatchObject([
    { kind: 'only-at-commerce' },
  ]);
});

test('two submissions of one resource, dimension and hour that both count as accepted are a difference', () => {
  const sides: BillingSides = {
    windows: [window(FIRST, '73')],
    submissions: [
      submission(FIRST, '36.5', {}),
      submission(FIRST, '36.5', { submissionId: 'other', outcome: 'duplicate' }),
    ],
    holdings: [holding(FIRST, '36.5')],
  };
  expect(reconcile(sides, BOTH).differences).toMatchObject([
    { kind: 'not-at-commerce', found: ZERO },
  ]);
});
