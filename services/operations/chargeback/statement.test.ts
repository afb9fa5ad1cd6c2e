import { HOUR_MILLIS, hourOf } from '../../shared/model/time.ts';
import { timeOf } from '../../shared/model/time-text.ts';
import { decimalText, parseQuantity, type Quantity } from '../../shared/model/decimal.ts';
import { exportContext } from '../exports/layouts/export-context.ts';
import { parseRates } from '../rates/rate-file.ts';
import type { DayUsage, MonthAdjustment } from './read-month.ts';
import { statementPage } from './statement-page.ts';
import { quantityText, tagText } from './statement-text.ts';
import { statementOf, type Statement } from './statement.ts';

const S1 = '11111111-0000-4000-8000-000000000001';
const S2 = '22222222-0000-4000-8000-000000000002';

const BOOK = parseRates(
  'test',
  JSON.stringify({
    currency: 'EUR',
    provider: 'Contoso & Sons',
    billingAccountId: 'b',
    billingAccountName: 'n',
    rates: [
      { meter: 'm', from: '2026-01-01', price: '0.1' },
      { meter: 'm', from: '2026-01-20', price: '0.2' },
      { meter: 'm', subscription: S2, from: '2026-01-01', price: '0.05' },
    ],
  }),
);
const METER = { meterId: 'M', name: 'Cores', unit: 'Virtual core hours', category: 'Compute' };
const context = exportContext(
  [
    {
      ...METER,
      resourceProvider: '',
      deprecated: false,
      billable: true,
      billing: 'full-price',
      dimension: 'M',
    },
  ],
  [{ id: S1, displayName: '<b>Tenant</b>' }],
  BOOK,
);

const usage = (
  day: string,
  subscriptionKey: string,
  quantity: string,
  { meterKey = 'm', tags = null as string | null } = {},
): DayUsage => ({
  usageDay: timeOf(`${day}T00:00:00Z`),
  subscriptionKey,
  meterKey,
  tags,
  quantity: parseQuantity(quantity) ?? (0n as Quantity),
});

const statement = (
  days: readonly DayUsage[],
  tagName: string | null = null,
  notCovered: Statement['notCovered'] = [],
  adjustments: readonly MonthAdjustment[] = [],
): Statement => {
  if (context.prices === null) throw new Error('there are rates');
  const time = {
    month: timeOf('2026-01-01T00:00:00Z'),
    to: timeOf('2026-02-01T00:00:00Z'),
    isWhole: true,
    notCovered,
  };
  return statementOf(days, context.prices, context, tagName, time, adjustments);
};

const linesOf = ({ subscriptions }: Statement) =>
  subscriptions.flatMap(({ lines }) =>
    lines.map(({ tag, unitPrice, quantity, cost }) => [
      tag === null ? null : tagText(tag),
      unitPrice === null ? null : Number(decimalText(unitPrice, 10)),
      Number(decimalText(quantity, 30)),
      cost === null ? null : Number(decimalText(cost, 40)),
    ]),
  );

test('each price of a month has a line, by the day of the usage', () => {
  const found = statement([
    usage('2026-01-19', S1, '1'),
    usage('2026-01-18', S1, '2'),
    usage('2026-01-20', S1, '10'),
    usage('2026-01-20', S2, '10'),
  ]);
  expect(linesOf(found)).toEqual([
    [null, 0.1, 3, 0.3],
    [null, 0.2, 10, 2],
    [null, 0.05, 10, 0.5],
  ]);
  expect(decimalText(found.cost, 40)).toBe('2.8');
});

test('a price times a quantity is the cost of its line, and the total is the sum of exact costs', () => {
  const found = statement([
    usage('2026-01-02', S1, '999999999999999.999999999999999999999999999999'),
    usage('2026-01-03', S1, '0.000000000000000000000000000001'),
    usage('2026-01-20', S2, '0.000000000000000000000000000001'),
  ]);
  for (const { lines } of found.subscriptions) {
    for (const line of lines) expect(line.cost).toBe((line.unitPrice ?? 0n) * line.quantity);
  }
  expect(found.cost).toBe(10n ** 54n + 5n * 10n ** 8n);
});

test('usage without a rate is a line without a cost, and in no total', () => {
  const found = statement([usage('2026-01-02', S1, '5', { meterKey: 'other' })]);
  expect(linesOf(found)).toEqual([[null, null, 5, null]]);
  expect(found).toMatchObject({ cost: 0n, unrated: 1 });
});

test('a tag divides the charges, and usage without it stays apart', () => {
  const found = statement(
    [
      usage('2026-01-02', S1, '1', { tags: '{"CostCenter":"42"}' }),
      usage('2026-01-03', S1, '2', { tags: '"{\\"costcenter\\":\\"42\\"}"' }),
      usage('2026-01-03', S1, '4', { tags: 'null' }),
      usage('2026-01-03', S1, '8', { tags: '{"CostCenter":""}' }),
    ],
    'costCenter',
  );
  expect(linesOf(found).map(([tag, , quantity]) => [tag, quantity])).toEqual([
    [null, 4],
    ['""', 8],
    ['42', 3],
  ]);
});

test('tags-become-one: values that are written differently have lines of their own, and look different', () => {
  const values = [
    '9007199254740992',
    '9007199254740993',
    '"9007199254740993"',
    'true',
    '"true"',
    '"true (JSON)"',
    '""',
    '"(no tag)"',
    'null',
    '"\\"\\""',
  ];
  const days = values.map((value) => usage('2026-01-02', S1, '1', { tags: `{"t":${value}}` }));
  const tags = linesOf(statement([...days, usage('2026-01-02', S1, '1')], 't')).map(([tag]) => tag);
  expect(new Set(tags).size).toBe(values.length + 1);
  expect(tags).toEqual(
    expect.arrayContaining([null, '9007199254740993 (JSON)', 'true', 'true (JSON)', '""']),
  );
});

test('nothing in a name, a tag or a meter is markup of the page', () => {
  const hostile = '</td><script>alert(1)</script>\u202e';
  const page = statementPage(
    statement(
      [
        usage('2026-01-02', S1, '1', { tags: JSON.stringify({ team: hostile }) }),
        usage('2026-01-02', S1, '1', { meterKey: hostile }),
      ],
      'team',
    ),
  );
  expect(page).not.toContain('<script');
  expect(page).not.toContain('<b>Tenant');
  expect(page).not.toContain('\u202e');
  expect(page).toContain('Contoso &amp; Sons');
  expect(page).toContain('Charges for January 2026');
  expect(page).toContain('1 line has no rate');
});

test('a statement of time that no source covers says so on the page, and is no plain total of zero', () => {
  const span = { from: timeOf('2026-01-03T00:00:00Z'), to: timeOf('2026-02-01T00:00:00Z') };
  expect(statementPage(statement([], null, [span]))).toContain(
    'No source answers for 2026-01-03T00:00:00Z to 2026-02-01T00:00:00Z',
  );
  expect(statementPage(statement([]))).not.toContain('No source answers');
});

test('small-usage-shown-as-none: a quantity that rounds to zero is less than the last place', () => {
  const text = (quantity: string) => quantityText(parseQuantity(quantity) ?? -1n);
  const shown = ['0', '0.00004', '0.00005', '2', '-0.00004', '-0.00005', '-2'].map(text);
  expect(shown).toEqual([
    '0.0000',
    '<0.0001',
    '0.0001',
    '2.0000',
    '>-0.0001',
    '-0.0001',
    '-2.0000',
  ]);
});

test('usage taken back is in its line, and its adjustment is listed with its reason', () => {
  const hostile = '</td><script>alert(1)</script>';
  const found = statement(
    [usage('2026-01-02', S1, '5'), usage('2026-01-02', S1, '-7.5')],
    null,
    [],
    [
      {
        subscriptionKey: S1,
        meterKey: 'm',
        resourceUri: '/a/vm1',
        usageHour: hourOf(timeOf('2026-01-02T03:00:00Z'), HOUR_MILLIS),
        quantity: parseQuantity('-7.5') ?? (0n as Quantity),
        reason: hostile,
      },
    ],
  );
  expect(linesOf(found)).toEqual([[null, 0.1, -2.5, -0.25]]);
  expect(decimalText(found.cost, 40)).toBe('-0.25');
  const page = statementPage(found);
  expect(page).toContain('-0.25');
  expect(page).toContain('-7.5000');
  expect(page).toContain('2026-01-02T03:00:00Z');
  expect(page).toContain('/a/vm1');
  expect(page).not.toContain('<script');
});
