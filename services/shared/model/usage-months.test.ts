import fc from 'fast-check';
import { addQuantities, ZERO, type Quantity } from './decimal.ts';
import { millis } from './time.ts';
import {
  monthsRecord,
  monthsSchema,
  sumOfMonths,
  totalOfMonths,
  usageMonthOf,
  type UsageMonth,
} from './usage-months.ts';

const parts = fc.array(
  fc.record({
    month: fc
      .tuple(fc.integer({ min: 1970, max: 2105 }), fc.integer({ min: 1, max: 12 }))
      .map(([year, month]) => `${String(year)}-${String(month).padStart(2, '0')}`),
    quantity: fc.bigInt({ min: 0n, max: 10n ** 75n }) as fc.Arbitrary<Quantity>,
  }),
  { maxLength: 8 },
);

const total = (all: readonly UsageMonth[]): Quantity =>
  all.map(({ quantity }) => quantity).reduce(addQuantities, ZERO);

test('the parts add up to the whole, each month once, in order, none of them zero', () => {
  fc.assert(
    fc.property(parts, (all) => {
      const months = sumOfMonths(all);
      const names = months.map(({ month }) => month);
      expect(totalOfMonths(months)).toBe(total(all));
      expect(names).toEqual([...new Set(names)].sort());
      expect(months.every(({ quantity }) => quantity !== 0n)).toBe(true);
    }),
  );
});

test('in whatever order parts are added, the sum is the same', () => {
  fc.assert(
    fc.property(parts, fc.nat(8), (all, cut) => {
      const halves = [...sumOfMonths(all.slice(cut)), ...sumOfMonths(all.slice(0, cut))];
      expect(sumOfMonths(halves)).toEqual(sumOfMonths(all));
    }),
  );
});

test('months are read as they were written, with every digit', () => {
  fc.assert(
    fc.property(parts, (all) => {
      const months = sumOfMonths(all);
      expect(monthsSchema.parse(JSON.parse(JSON.stringify(monthsRecord(months))))).toEqual(months);
    }),
  );
});

test.each([[{ '2026-13': '1' }], [{ '2026-1': '1' }], [{ '2026-01': 'one' }], [{ '2026-01': 1 }]])(
  '%j are no months',
  (text) => {
    expect(monthsSchema.safeParse(text).success).toBe(false);
  },
);

test('a month begins at midnight, in UTC', () => {
  const november = Date.UTC(2026, 10, 1);
  expect([november - 1, november].map((at) => usageMonthOf(millis(at)))).toEqual([
    '2026-10',
    '2026-11',
  ]);
});
