import fc from 'fast-check';
import { addQuantities, formatQuantity, ZERO, type Quantity } from '../../shared/model/decimal.ts';
import { HOUR_MILLIS } from '../../shared/model/time.ts';
import { simulatedCloud } from './cloud.ts';
import { partOf, usageOf } from './hourly-usage.ts';
import { timeOf } from '../../shared/model/time-text.ts';

const HOUR = timeOf('2026-02-03T04:00:00Z');

test('the same seed gives the same cloud and the same usage', () => {
  const one = simulatedCloud({ seed: 3, tenants: 5 });
  expect(simulatedCloud({ seed: 3, tenants: 5 })).toEqual(one);
  expect(simulatedCloud({ seed: 4, tenants: 5 })).not.toEqual(one);
  expect(one.map((resource) => usageOf(resource, HOUR, { hourMillis: HOUR_MILLIS }))).toEqual(
    one.map((resource) => usageOf(resource, HOUR, { hourMillis: HOUR_MILLIS })),
  );
});

test('the parts of an hour add up to it exactly', () => {
  fc.assert(
    fc.property(fc.bigInt(0n, 10n ** 45n), fc.integer({ min: 1, max: 400 }), (total, parts) => {
      const sum = Array.from({ length: parts }, (_, n) =>
        partOf(total as Quantity, n, parts),
      ).reduce(addQuantities, ZERO);
      expect(sum).toBe(total);
    }),
  );
});

test('a disk of February counts 1/672 of a month in an hour', () => {
  const disk = simulatedCloud({ seed: 1, tenants: 1 }).find(({ kind }) => kind === 'disk');
  expect(
    disk &&
      usageOf(disk, HOUR, { hourMillis: HOUR_MILLIS }).map(({ quantity }) =>
        formatQuantity(quantity),
      ),
  ).toEqual([String(1 / 672)]);
});
