import fc from 'fast-check';
import { parseQuantity, ZERO, type Quantity } from '../../shared/model/decimal.ts';
import { timeOf } from '../../shared/model/time-text.ts';
import { HOUR_MILLIS, isoText, millis, type Millis } from '../../shared/model/time.ts';
import { quantities } from '../../provider-sdk/index.ts';
import { usageOf } from './consumption.ts';
import { KINDS } from './kinds.ts';
import { knownConsumption } from './known-consumption.ts';
import { newResource } from './new-resource.ts';
import type { CloudResource, ResourceChange, ResourceKind } from './resource.ts';
import { seededCloud } from './seeded-cloud.ts';
import { DISK_METERS } from './sizes.ts';

const HOUR = timeOf('2026-02-03T04:00:00Z');
const SUBSCRIPTION = '1d6c4363-3a9b-4cb6-8e6c-fc2e9ec74ca4';
const KIND_NAMES = Object.keys(KINDS) as ResourceKind[];

type Totals = Record<string, Quantity>;

const add = (totals: Totals, name: string, quantity: Quantity | null): void => {
  if (quantity === null) throw new Error('no quantity');
  totals[name] = ((totals[name] ?? ZERO) + quantity) as Quantity;
};

/** Totals by hour and meter of what is reported in these slices. */
const reported = (
  resource: CloudResource,
  instants: readonly Millis[],
  hourMillis: number,
): Totals => {
  const totals: Totals = {};
  instants.slice(1).forEach((to, n) => {
    const from = instants[n] ?? to;
    for (const { meterId, quantity, from: start, to: end } of usageOf(
      resource,
      from,
      to,
      hourMillis,
    )) {
      // An `expect` for each would take most of the time.
      if (!(from <= Number(start) && Number(start) < Number(end) && Number(end) <= to)) {
        throw new Error(`${meterId} is reported outside of its slice`);
      }
      const hour = millis(Math.floor(from / hourMillis) * hourMillis);
      add(totals, `${isoText(hour)} ${meterId}`, parseQuantity(String(quantity)));
    }
  });
  return totals;
};

const known = (resource: CloudResource, from: Millis, to: Millis, hourMillis: number): Totals => {
  const totals: Totals = {};
  for (const { meterId, usageHour, quantity } of knownConsumption(
    [resource],
    from,
    to,
    hourMillis,
  )) {
    add(totals, `${isoText(usageHour)} ${meterId}`, quantity);
  }
  return totals;
};

/** Slices of some hours: at the cuts, and at every full hour. */
const cutsOf = (
  from: Millis,
  hours: number,
  hourMillis: number,
  cuts: readonly number[],
): Millis[] =>
  [
    ...new Set([
      ...Array.from({ length: hours + 1 }, (_, n) => from + n * hourMillis),
      ...cuts.map((cut) => from + (cut % (hours * hourMillis))),
    ]),
  ]
    .sort((a, b) => a - b)
    .map(millis);

/** Lives with changes that can happen and changes that cannot, at any millisecond. */
const life = (hourMillis: number) =>
  fc.record({
    kind: fc.constantFrom(...KIND_NAMES),
    os: fc.constantFrom('windows' as const, 'linux' as const),
    sizes: fc.array(fc.nat(200), { minLength: 1, maxLength: 4 }),
    changes: fc.array(
      fc.record({
        after: fc.integer({ min: -hourMillis, max: 3 * hourMillis }),
        kind: fc.constantFrom(
          ...(['created', 'resized', 'started', 'stopped', 'deallocated', 'deleted'] as const),
        ),
      }),
      { maxLength: 8 },
    ),
  });

test.each([HOUR_MILLIS, 60_000])(
  'however hours of %i ms are cut, usage adds up to what is known, for every kind and any life',
  (hourMillis) => {
    fc.assert(
      fc.property(
        life(hourMillis),
        fc.array(fc.nat(3 * hourMillis - 1), { maxLength: 12 }),
        ({ kind, os, sizes, changes }, cuts) => {
          const sizeOf = (n: number): string => {
            const all = KINDS[kind].sizes;
            return all[(sizes[n % sizes.length] ?? 0) % all.length] ?? '';
          };
          const created: ResourceChange = {
            kind: 'created',
            at: millis(HOUR - hourMillis),
            size: sizeOf(0),
            ...(kind === 'vm' && { os }),
          };
          const later = changes
            .sort((a, b) => a.after - b.after)
            .map(({ after, ...change }, n): ResourceChange => {
              const at = millis(HOUR + after);
              if (change.kind === 'created') return { ...created, at, size: sizeOf(n) };
              if (change.kind === 'resized') return { kind: 'resized', at, size: sizeOf(n) };
              return { kind: change.kind, at };
            });
          const resource = newResource({
            subscriptionId: SUBSCRIPTION,
            group: 'rg',
            kind,
            name: 'one',
            changes: [created, ...later],
          });
          const instants = cutsOf(HOUR, 3, hourMillis, cuts);
          expect(reported(resource, instants, hourMillis)).toEqual(
            known(resource, HOUR, millis(HOUR + 3 * hourMillis), hourMillis),
          );
        },
      ),
    );
  },
);

test('a whole seeded cloud of any seed reports what it knows, in slices of 9 seconds and in whole hours', () => {
  fc.assert(
    fc.property(fc.nat(), fc.nat(300), (seed, days) => {
      const from = millis(HOUR + days * 24 * HOUR_MILLIS);
      const to = millis(from + 2 * HOUR_MILLIS);
      const slices = Array.from({ length: 801 }, (_, n) => millis(from + n * 9_000));
      for (const resource of seededCloud({ seed, subscriptions: 1, from, to })) {
        const totals = known(resource, from, to, HOUR_MILLIS);
        expect(reported(resource, slices, HOUR_MILLIS)).toEqual(totals);
        expect(reported(resource, cutsOf(from, 2, HOUR_MILLIS, []), HOUR_MILLIS)).toEqual(totals);
      }
    }),
    { numRuns: 3 },
  );
});

const MONTHS = ['2026-01', '2026-02', '2028-02', '2026-04', '2026-12'] as const;

/** What the SDK's helper makes of the facts, for each kind whose facts are its size alone. */
const byHelper = (kind: ResourceKind, size: string, from: Millis, to: Millis): Totals => {
  const quantity = (text: string): Quantity => parseQuantity(text) ?? ZERO;
  const number = Number(/\d+/.exec(size)?.[0]);
  switch (kind) {
    case 'sql-database':
      return {
        'CBCFEF9A-B91F-4597-A4D3-01FE334BED82': quantity(
          quantities.megabyteHours(number, from, to),
        ),
      };
    case 'event-hubs':
      return {
        'CB6A35C5-FADE-406C-B14D-6DDB7C4CA3D5': quantity(
          quantities.coreHours(10 * number, from, to),
        ),
      };
    case 'app-service-worker':
      return {
        '190C935E-9ADA-48FF-9AB8-56EA1CF9ADAA': quantity(
          quantities.coreHours(2 ** (number - 1), from, to),
        ),
      };
    case 'disk':
      return { [DISK_METERS.get(size) ?? '']: quantity(quantities.diskMonths(1, from, to)) };
    default:
      throw new Error(`nothing is known of ${kind}`);
  }
};

test('in any month and part of an hour, quantities are what the SDK makes of the same facts', () => {
  const kinds = ['sql-database', 'event-hubs', 'app-service-worker', 'disk'] as const;
  fc.assert(
    fc.property(
      fc.constantFrom(...kinds),
      fc.nat(),
      fc.constantFrom(...MONTHS),
      fc.nat(28 * 24 - 1),
      fc.tuple(fc.nat(HOUR_MILLIS), fc.nat(HOUR_MILLIS)),
      (kind, n, month, hours, [a, b]) => {
        const { sizes } = KINDS[kind];
        const size = sizes[n % sizes.length] ?? '';
        const hour = timeOf(`${month}-01T00:00:00Z`) + hours * HOUR_MILLIS;
        const [from, to] = [millis(hour + Math.min(a, b)), millis(hour + Math.max(a, b))];
        const changes = [{ kind: 'created', at: millis(0), size }] as const;
        const resource = newResource({
          ...{ subscriptionId: SUBSCRIPTION, group: 'rg', kind, name: 'one' },
          changes,
        });
        const totals: Totals = {};
        if (from < to) {
          for (const { meterId, quantity } of usageOf(resource, from, to)) {
            add(totals, meterId, parseQuantity(String(quantity)));
          }
        }
        for (const [meterId, quantity] of Object.entries(byHelper(kind, size, from, to))) {
          // Both cut what does not end after 30 decimals, the one from the hour on, the other from the month.
          const difference = (totals[meterId] ?? ZERO) - quantity;
          expect({ kind, size, difference }).toEqual({
            kind,
            size,
            difference: difference > 1n || difference < -1n ? 0n : difference,
          });
        }
      },
    ),
  );
});
