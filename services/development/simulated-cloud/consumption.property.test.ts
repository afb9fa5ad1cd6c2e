import fc from 'fast-check';
import { parseQuantity, ZERO, type Quantity } from '../../shared/model/decimal.ts';
import { timeOf } from '../../shared/model/time-text.ts';
import { HOUR_MILLIS, isoText, millis, type Millis } from '../../shared/model/time.ts';
import { usageOf } from './consumption.ts';
import { KINDS } from './kinds.ts';
import { knownConsumption } from './known-consumption.ts';
import { newResource } from './new-resource.ts';
import type { CloudResource, ResourceChange, ResourceKind } from './resource.ts';
import { seededCloud } from './seeded-cloud.ts';

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
