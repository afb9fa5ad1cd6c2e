import { UserError } from '../../shared/process/errors.ts';
import { inRepository } from '../../shared/process/repository.ts';
import { timeOf } from '../../shared/model/time-text.ts';
import { priceFinder, type Rate } from './rate-book.ts';
import { parsePrice, parseRates, readRates } from './rate-file.ts';

const FILE = {
  currency: 'EUR',
  provider: 'p',
  billingAccountId: 'b',
  billingAccountName: 'n',
  rates: [{ meter: 'M', from: '2026-01-01', price: '0.008' }],
};
const parse = (change: object): unknown =>
  parseRates('x.json', JSON.stringify({ ...FILE, ...change }));
const rated = (change: object) => (): unknown =>
  parse({ rates: [{ ...FILE.rates[0], ...change }] });

test.each([
  ['0.008', 80_000_000n],
  ['99999999999.9999999999', 10n ** 21n - 1n],
  ['0', 0n],
  ['58', 58n * 10n ** 10n],
])('the price %s is exact', (text, units) => {
  expect(parsePrice(text)).toBe(units);
});

test.each(['', '.5', '1.', '-1', '+1', '1e3', '0.00000000001', '100000000000', '1,5', ' 1'])(
  '%j is no price',
  (text) => {
    expect(parsePrice(text)).toBeNull();
  },
);

test('every problem of a rate file is told, with what would be right', () => {
  expect(rated({ price: 0.008 })).toThrow(/x\.json.*must be a decimal as text, such as "0\.008"/s);
  expect(rated({ price: '0.00000000001' })).toThrow(/at most ten places/);
  expect(rated({ from: '01.02.2026' })).toThrow(/must be a day/);
  expect(rated({ from: '2026-02-30' })).toThrow(/must be a day/);
  expect(rated({ prize: '1' })).toThrow(UserError);
  expect(() => parse({ currency: 'Euro' })).toThrow(/currency code/);
  expect(() => parse({ rates: [FILE.rates[0], { ...FILE.rates[0], meter: 'm' }] })).toThrow(
    /two rates/,
  );
  expect(() => parseRates('x.json', '{')).toThrow(/samples\/rates\.json shows the form/);
});

test('a file without any rate is refused, and not loaded while the old prices stay', () => {
  expect(() => parse({ rates: [] })).toThrow(/must hold at least one rate.*at rates/s);
});

test('the sample can be used', async () => {
  expect((await readRates(inRepository('samples/rates.json'))).rates.length).toBeGreaterThan(10);
  await expect(readRates('/nowhere.json')).rejects.toThrow(/cannot be read/);
});

const at = (day: string) => timeOf(`${day}T00:00:00Z`);
const RATES: readonly Rate[] = [
  { meterKey: 'm', subscriptionKey: null, from: at('2026-03-01'), price: null },
  { meterKey: 'm', subscriptionKey: null, from: at('2026-01-01'), price: 5n },
  { meterKey: 'm', subscriptionKey: null, from: at('2026-02-01'), price: 6n },
  { meterKey: 'm', subscriptionKey: 's', from: at('2026-02-10'), price: 4n },
  { meterKey: 'm', subscriptionKey: 's', from: at('2026-02-20'), price: null },
];

test.each([
  ['2025-12-31', 's', null, null],
  ['2026-01-01', 's', 5n, 5n],
  ['2026-02-09', 's', 6n, 6n],
  ['2026-02-10', 's', 6n, 4n],
  ['2026-02-10', 'other', 6n, 6n],
  ['2026-02-20', 's', 6n, 6n],
  ['2026-03-01', 'other', null, null],
])('on %s the rate in force for %s is the newest one', (day, subscription, list, contracted) => {
  expect(priceFinder(RATES)('m', subscription, at(day))).toEqual({ list, contracted });
});
