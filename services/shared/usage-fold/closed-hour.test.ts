import fc from 'fast-check';
import { hour, placeOf } from '../../../test/support/fold/fixtures.ts';
import { createHash } from 'node:crypto';
import { hourPartDecoder, hourPartEncoder } from '../avro/hour-part-codec.ts';
import { readSchemaDirectory } from '../avro/schema-directory.ts';
import type { Quantity } from '../model/decimal.ts';
import type { Hour } from '../model/time.ts';
import { uuidText } from '../model/usage-event.ts';
import type { HourPart, UsageAggregate } from '../model/usage-aggregate.ts';
import { HourPublication, inKeyOrder } from './closed-hour.ts';
import type { ClosedHour } from './fold.ts';
import type { Window } from './window.ts';

const place = placeOf();
const schemas = readSchemaDirectory();
const encode = hourPartEncoder(schemas);

type Hourly = ClosedHour & { readonly windows: readonly Window[] };

/** All of an hour's publication, its windows given in parts of one. */
const publicationOf = (
  at: typeof place,
  { hour: closed, windows: given }: Hourly,
  encoded: (part: HourPart) => Buffer = encode,
) => {
  const publication = new HourPublication(at, closed, encoded);
  const parts = inKeyOrder(given).flatMap((window) => publication.add([window]));
  const { parts: last, marker } = publication.end();
  return { parts: [...parts, ...last], marker };
};

const aggregatesOf = (at: typeof place, closed: Hourly): UsageAggregate[] => {
  const aggregates: UsageAggregate[] = [];
  publicationOf(at, closed, (part) => {
    aggregates.push(...part.aggregates);
    return encode(part);
  });
  return aggregates;
};

const windowOf = (changes: Partial<Window> = {}): Window => ({
  usageHour: hour(0),
  subscriptionKey: 'sub',
  meterKey: 'meter',
  resourceKey: '/resource',
  subscriptionId: 'Sub',
  meterId: 'Meter',
  resourceUri: '/Resource',
  location: 'local',
  tags: null,
  additionalInfo: null,
  quantity: 1n as Quantity,
  eventCount: 1,
  firstOffset: 10,
  lastOffset: 10,
  ...changes,
});

test('usage of several months says how much of it was used in each', () => {
  const newYear = Date.UTC(2026, 0, 1);
  const usedAt = (offset: number, quantity: bigint) =>
    windowOf({
      usageHour: (newYear + offset * 3_600_000) as Hour,
      quantity: quantity as Quantity,
    });
  const windows = [usedAt(-2, 1n), usedAt(-1, 2n), usedAt(0, 4n)];
  const monthsIn = (given: readonly Window[]) =>
    aggregatesOf(place, { hour: hour(3), windows: given }).map(({ usageMonths }) => usageMonths);
  expect(monthsIn(windows)).toEqual([
    [
      { month: '2025-12', quantity: 3n },
      { month: '2026-01', quantity: 4n },
    ],
  ]);
  // One month goes without saying.
  expect(monthsIn(windows.slice(0, 2))).toEqual([[]]);
});

test('windows of one resource and meter become one aggregate over their usage hours', () => {
  const [aggregate, ...others] = aggregatesOf(place, {
    hour: hour(5),
    windows: [
      windowOf({
        usageHour: hour(3),
        quantity: (10n ** 40n) as Quantity,
        eventCount: 2,
        firstOffset: 12,
      }),
      windowOf({
        usageHour: hour(-20),
        quantity: 1n as Quantity,
        eventCount: 3,
        firstOffset: 11,
        tags: 'lowest offset',
        meterId: 'METER',
      }),
      windowOf({ usageHour: hour(4), quantity: 0n as Quantity, firstOffset: 13 }),
    ],
  });
  expect(others).toEqual([]);
  expect(aggregate).toMatchObject({
    quantity: 10n ** 40n + 1n,
    eventCount: 6,
    firstUsageTime: hour(-20),
    lastUsageTime: hour(5),
    tags: 'lowest offset',
    meterId: 'METER',
  });
});

test('each subscription, meter and resource is by itself, in the order of their keys', () => {
  const windows = ['b', 'a', 'C'.toLowerCase()].flatMap((resourceKey) => [
    windowOf({ resourceKey, meterKey: 'm2' }),
    windowOf({ resourceKey, meterKey: 'm1' }),
    windowOf({ resourceKey, meterKey: 'm1', subscriptionKey: 'a' }),
  ]);
  const order = aggregatesOf(place, { hour: hour(0), windows });
  expect(order).toHaveLength(9);
  const publication = publicationOf(place, { hour: hour(0), windows });
  const decode = hourPartDecoder(schemas);
  expect(publication.parts.map(decode)).toEqual([
    {
      topic: place.topic,
      epoch: place.epoch,
      partition: place.partition,
      reportedHour: hour(0),
      part: 0,
      aggregates: order,
    },
  ]);
});

test('ids name the source, the partition, the hour and the identity, and nothing else', () => {
  const idOf = (
    at: Partial<typeof place> = {},
    reported: Hour = hour(0),
    changes: Partial<Window> = {},
  ): string =>
    aggregatesOf({ ...place, ...at }, { hour: reported, windows: [windowOf(changes)] })
      .map(({ aggregateId }) => uuidText(aggregateId))
      .join();
  const ids = [
    idOf(),
    idOf({ topic: 'other' }),
    idOf({ epoch: 2 }),
    idOf({ partition: 1 }),
    idOf({}, hour(1)),
    idOf({}, hour(0), { subscriptionKey: 'other' }),
    idOf({}, hour(0), { meterKey: 'other' }),
    idOf({}, hour(0), { resourceKey: 'other' }),
  ];
  expect(new Set(ids).size).toBe(ids.length);
  expect(
    idOf({}, hour(0), { quantity: 9n as Quantity, meterId: 'other', usageHour: hour(7) }),
  ).toBe(idOf());
});

test('an hour of many aggregates is cut into parts, always alike', () => {
  const many = Array.from({ length: 450 }, (_, n) => windowOf({ resourceKey: `/${String(n)}` }));
  const sizesOf = (given: readonly Window[]): number[] => {
    const sizes: number[] = [];
    const numbers: number[] = [];
    publicationOf(place, { hour: hour(0), windows: given }, (part) => {
      sizes.push(part.aggregates.length);
      numbers.push(part.part);
      return encode(part);
    });
    expect(numbers).toEqual(sizes.map((_, n) => n));
    return sizes;
  };
  expect(sizesOf(many)).toEqual([200, 200, 50]);
  // However large their texts are, a record stays below what a broker takes, at three bytes a code unit.
  const large = many.slice(0, 5).map((window) => ({ ...window, tags: '€'.repeat(30_000) }));
  expect(sizesOf(large)).toEqual([2, 2, 1]);
  expect(sizesOf([windowOf({ tags: '€'.repeat(70_000) }), ...large.slice(0, 1)])).toEqual([1, 1]);
});

test('keys are in the order of their bytes', () => {
  const keys = ['/\u{1f600}', '/\uffee', '/é', '/ab', '/a', '/b'];
  const inOrder = inKeyOrder(keys.map((resourceKey) => windowOf({ resourceKey })));
  const bytes = keys.map((key) => Buffer.from(key)).sort((a, b) => Buffer.compare(a, b));
  expect(inOrder.map(({ resourceKey }) => resourceKey)).toEqual(bytes.map(String));
});

test('an empty hour is published with a marker of no parts', () => {
  expect(publicationOf(place, { hour: hour(2), windows: [] })).toEqual({
    parts: [],
    marker: {
      topic: place.topic,
      epoch: 1,
      partition: 0,
      reportedHour: hour(2),
      parts: 0,
      digest: createHash('sha256').digest('hex'),
    },
  });
});

const windows = fc
  .uniqueArray(
    fc.record({
      usageHour: fc.integer({ min: -30, max: 3 }).map((n) => hour(n)),
      subscriptionKey: fc.constantFrom('a', 'b'),
      meterKey: fc.constantFrom('m', 'n'),
      resourceKey: fc.constantFrom('/r', '/s', '/é'),
      quantity: fc.bigInt({ min: 0n, max: 10n ** 45n - 1n }) as fc.Arbitrary<Quantity>,
      eventCount: fc.integer({ min: 1, max: 1000 }),
    }),
    { selector: (w) => [w.usageHour, w.subscriptionKey, w.meterKey, w.resourceKey].join(' ') },
  )
  .map((given) =>
    given.map((changes, n) => windowOf({ ...changes, firstOffset: n, lastOffset: n })),
  );

test('in whatever order the windows come, the same is published, and it sums up exactly', () => {
  fc.assert(
    fc.property(
      windows.chain((given) =>
        fc.tuple(fc.constant(given), fc.shuffledSubarray(given, { minLength: given.length })),
      ),
      ([given, shuffled]) => {
        const published = publicationOf(place, { hour: hour(4), windows: given });
        expect(publicationOf(place, { hour: hour(4), windows: shuffled })).toEqual(published);
        const aggregates = aggregatesOf(place, { hour: hour(4), windows: given });
        const sum = (parts: readonly { quantity: Quantity }[]): bigint =>
          parts.reduce((total, { quantity }) => total + quantity, 0n);
        expect(sum(aggregates)).toBe(sum(given));
        expect(published.marker.parts).toBe(given.length > 0 ? 1 : 0);
        expect(published.marker.digest).toBe(
          createHash('sha256').update(Buffer.concat(published.parts)).digest('hex'),
        );
      },
    ),
  );
});
