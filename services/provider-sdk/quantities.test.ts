import fc from 'fast-check';
import { addQuantities, formatQuantity, parseQuantity, ZERO } from '../shared/model/decimal.ts';
import { timeOf } from '../shared/model/time-text.ts';
import { HOUR_MILLIS, hoursInMonth, millis } from '../shared/model/time.ts';
import { readMeterCatalog } from '../shared/meters/meter-catalog.ts';
import * as quantities from './quantities.ts';

const FROM = '2026-12-10T19:00:00Z';
const TO = '2026-12-10T20:00:00Z';

/** For each unit of the catalog: what an hour of it is. */
const UNITS: Readonly<Record<string, string>> = {
  'IP addresses': quantities.addressHours(1, FROM, TO),
  'GB*hours': quantities.gibHours(2 ** 30, FROM, TO),
  'Request count in 10,000s': quantities.tenThousands(12_345),
  '10K transactions': quantities.tenThousands(12_345n),
  'Ingress data in GB': quantities.gib(1),
  'Egress in GB': quantities.gib(2n ** 31n),
  GB: quantities.gib(3 * 2 ** 30),
  'Virtual core hours': quantities.coreHours(4, FROM, TO),
  'Core*hours': quantities.coreHours(10, FROM, TO),
  'VM hours': quantities.vmHours(FROM, TO),
  'Count of Disks*month': quantities.diskMonths(1, '2026-12-01T00:00:00Z', '2026-12-01T01:00:00Z'),
  'Count of Disks*hours': quantities.countHours(3, FROM, TO),
  'GB*month': quantities.gibMonths(23_637_467_136, '2026-12-01T00:00:00Z', '2026-12-01T01:00:00Z'),
  'Byte*hours': quantities.byteHours(4096, FROM, TO),
  'MB*hours': quantities.megabyteHours(250, FROM, TO),
  '10 Requests': quantities.tens(7),
  'GB-s': quantities.gbSeconds(129, 1_000.5),
  '1 hour': quantities.countHours(1, FROM, TO),
  'Per SNI SSL Binding': quantities.bindings(2),
  'Per IP Based SSL Binding': quantities.bindings(1),
  '': quantities.countHours(5, FROM, TO),
};

test('there is a helper for every unit of the catalog', () => {
  const units = new Set(readMeterCatalog().map(({ unit }) => unit));
  expect(Object.keys(UNITS).sort()).toEqual([...units].sort());
});

test('what an hour is in each unit', () => {
  expect(UNITS).toEqual({
    'IP addresses': '1',
    'GB*hours': '1',
    'Request count in 10,000s': '1.2345',
    '10K transactions': '1.2345',
    'Ingress data in GB': '0.000000000931322574615478515625',
    'Egress in GB': '2',
    GB: '3',
    'Virtual core hours': '4',
    'Core*hours': '10',
    'VM hours': '1',
    'Count of Disks*month': '0.001344086021505376344086021505',
    'Count of Disks*hours': '3',
    'GB*month': '0.029588853159258442540322580645',
    'Byte*hours': '4096',
    'MB*hours': '250',
    '10 Requests': '0.7',
    'GB-s': '0.25025',
    '1 hour': '1',
    'Per SNI SSL Binding': '2',
    'Per IP Based SSL Binding': '1',
    '': '5',
  });
});

/** The real provider divided by 31 and then by 24, in doubles: its last digit is another one. */
test('an hour of December is 1/744 of a month, as in the real recording', () => {
  for (let hour = timeOf('2019-12-01T00:00:00Z'); hour < timeOf('2020-01-01T00:00:00Z');) {
    const end = millis(hour + HOUR_MILLIS);
    const disk = Number(quantities.diskMonths(1, hour, end));
    expect(disk).toBe(1 / 744);
    expect(disk.toPrecision(16)).toBe((0.0013440860215053762).toPrecision(16));
    const bytes = Number(quantities.gibMonths(23_637_467_136n, hour, end));
    expect(bytes.toPrecision(16)).toBe((0.02958885315925844).toPrecision(16));
    hour = end;
  }
});

test.each([
  ['2027-02-10T00:00:00Z', 672],
  ['2028-02-29T23:00:00Z', 696],
  ['2026-11-01T00:00:00Z', 720],
  ['2026-12-31T23:00:00Z', 744],
])('the hour of %s is 1/%i of its month', (from, hours) => {
  const hour = timeOf(from);
  expect(hoursInMonth(hour)).toBe(hours);
  expect(Number(quantities.diskMonths(1, hour, hour + HOUR_MILLIS))).toBe(1 / hours);
});

test('a disk of a whole year is twelve months, also when it is measured hour by hour', () => {
  const from = timeOf('2028-01-01T00:00:00Z');
  const to = timeOf('2029-01-01T00:00:00Z');
  expect(quantities.diskMonths(1, from, to)).toBe('12');
  let sum = ZERO;
  for (let hour: number = from; hour < to; hour += HOUR_MILLIS) {
    const part = quantities.diskMonths(1, hour, hour + HOUR_MILLIS);
    sum = addQuantities(sum, parseQuantity(part) ?? ZERO);
  }
  expect(formatQuantity(sum)).toBe('12');
});

test('four cores that ran all day are 96 core hours, and for a millisecond a share of one', () => {
  expect(quantities.coreHours(4, '2026-11-27T00:00:00Z', '2026-11-28T00:00:00Z')).toBe('96');
  expect(quantities.coreHours(1, '2026-11-27T23:59:59.999Z', '2026-11-28T00:00:00Z')).toBe(
    '0.000000277777777777777777777778',
  );
});

const OVER_TIME = {
  coreHours: quantities.coreHours,
  addressHours: quantities.addressHours,
  gibHours: quantities.gibHours,
  gibMonths: quantities.gibMonths,
  diskMonths: quantities.diskMonths,
  byteHours: quantities.byteHours,
};

test.each(Object.entries(OVER_TIME))(
  '%s: the quantities of the parts of any period add up to its own',
  (_name, quantityOf) => {
    const instants = fc.uniqueArray(fc.integer({ min: 0, max: 4_000_000_000_000 }), {
      minLength: 2,
      maxLength: 8,
    });
    fc.assert(
      fc.property(instants, fc.bigInt(0n, 2n ** 50n), (cuts, measure) => {
        const sorted = [...cuts].sort((a, b) => a - b);
        const amount = (from: number, to: number) =>
          parseQuantity(quantityOf(measure, from, to)) ?? ZERO;
        const parts = sorted.slice(1).map((to, n) => amount(sorted[n] ?? 0, to));
        expect(parts.reduce(addQuantities, ZERO)).toBe(amount(sorted[0] ?? 0, sorted.at(-1) ?? 0));
        expect(parts.every((part) => part >= 0n)).toBe(true);
      }),
    );
  },
);

test('bytes as GiB are exact to the last byte', () => {
  fc.assert(
    fc.property(fc.bigInt(0n, 2n ** 60n), (bytes) => {
      const amount = parseQuantity(quantities.gib(bytes)) ?? ZERO;
      expect(amount * 2n ** 30n).toBe(bytes * 10n ** 30n);
    }),
  );
});

test.each([
  [1, 1, '0.0125'],
  [128, 100, '0.0125'],
  [128, 101, '0.012625'],
  [129, 100, '0.025'],
  [5_000, 1_000, '1.5'],
])('an execution with %i MB for %i ms is %s GB-s', (megabytes, duration, expected) => {
  expect(quantities.gbSeconds(megabytes, duration)).toBe(expected);
});

test.each<[string, () => string]>([
  ['cores is -1, which is below zero', () => quantities.coreHours(-1, FROM, TO)],
  ['bytes is "NaN", which is no decimal number', () => quantities.gib(NaN)],
  ['the period ends before it starts', () => quantities.vmHours(TO, FROM)],
  ['from "today" is no time', () => quantities.vmHours('today', TO)],
])('a measure that cannot be is refused: %s', (message, make) => {
  expect(make).toThrow(RangeError);
  expect(make).toThrow(message);
});
