import fc from 'fast-check';
import { eventOf, hour, newWindow } from '../../../test/support/fold/fixtures.ts';
import type { Quantity } from '../model/decimal.ts';
import { addToWindow, firstOf, windowKey, type WindowIdentity } from './window.ts';

const quantities = fc.bigInt({ min: 0n, max: 10n ** 45n - 1n }) as fc.Arbitrary<Quantity>;

const candidate = (quantity: Quantity) => ({
  event: { ...eventOf(), quantity: Buffer.alloc(1) },
  quantity,
  usageHour: hour(0),
  subscriptionKey: 'sub',
  meterKey: 'meter',
  resourceKey: 'resource',
  digest: 0n,
});

test('adding events again, from any of them on, changes nothing', () => {
  fc.assert(
    fc.property(fc.array(quantities, { minLength: 1 }), fc.nat(), (given, from) => {
      const [first, ...others] = given;
      if (first === undefined) return;
      const addAll = (start: ReturnType<typeof newWindow>, skip: number) =>
        others
          .slice(skip)
          .reduce((window, quantity, n) => addToWindow(window, quantity, n + skip + 1), start);
      const whole = addAll(newWindow(candidate(first), 0), 0);
      expect(whole).toMatchObject({
        quantity: given.reduce<bigint>((a, b) => a + b, 0n),
        eventCount: given.length,
        firstOffset: 0,
        lastOffset: given.length - 1,
      });
      expect(addAll(whole, from % given.length)).toEqual(whole);
    }),
  );
});

test('keys of different windows differ', () => {
  const text = fc.string({ unit: fc.constantFrom('a', '1', ' ', '/'), maxLength: 3 });
  const identities = fc.record({
    usageHour: fc.integer({ min: 0, max: 1 }).map((n) => hour(n)),
    subscriptionKey: text,
    meterKey: text,
    resourceKey: text,
  });
  const fields = ({ usageHour, subscriptionKey, meterKey, resourceKey }: WindowIdentity): string =>
    JSON.stringify([usageHour, subscriptionKey, meterKey, resourceKey]);
  fc.assert(
    fc.property(identities, identities, (a, b) => {
      expect(windowKey(a) === windowKey(b)).toBe(fields(a) === fields(b));
    }),
    { numRuns: 1000 },
  );
});

test('a window begins alike with an event of the log and with what is left of a lost one', () => {
  const given = candidate(7n as Quantity);
  const { usageHour, subscriptionKey, meterKey, resourceKey } = given;
  const { subscriptionId, meterId, resourceUri, location, tags, additionalInfo } = given.event;
  const left = {
    ...{ usageHour, subscriptionKey, meterKey, resourceKey },
    ...{ subscriptionId, meterId, resourceUri, location, tags, additionalInfo },
  };
  const window = newWindow(given, 5);
  expect(window).toEqual({ ...left, quantity: 7n, eventCount: 1, firstOffset: 5, lastOffset: 5 });
  expect(firstOf(left, 7n as Quantity, 5)).toEqual(window);
});

test('an event keeps what a window shows, and an earlier one adds nothing to it', () => {
  const window = newWindow(candidate(7n as Quantity), 5);
  expect(addToWindow(window, 2n as Quantity, 6)).toEqual({
    ...window,
    quantity: 9n,
    eventCount: 2,
    lastOffset: 6,
  });
  expect(addToWindow(window, 2n as Quantity, 5)).toBe(window);
});
