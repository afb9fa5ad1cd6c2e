import {
  parseQuantity,
  quantityFromNumber,
  ZERO,
  type Quantity,
} from '../../shared/model/decimal.ts';
import { textsOf } from '../../shared/model/event-texts.ts';
import { hoursInMonth, millis, type Hour } from '../../shared/model/time.ts';
import { usageEventId, type UsageEvent } from '../../shared/model/usage-event.ts';
import type { SimulatedResource } from './cloud.ts';
import { draw } from './draw.ts';

/** Meters as their providers write them: storage in upper case, compute in lower case. */
const METERS = {
  baseCores: 'fab6eb84-500b-4a09-a8ca-7358f8bbaea5',
  windowsCores: '9cd92d4c-bafd-4492-b278-bedc2de8232a',
  machineHours: '6dab500f-a4fd-49c4-956d-229bb9c8c793',
  diskS10: 'd5f7731b-f639-404a-89d0-e46186e22c8d',
  blockBlobs: '09F8879E-87E9-4305-A572-4B7BE209F857',
  pageBlobs: 'B5C15376-6C94-4FDD-B655-1A69D138ACA3',
  tables: 'B4438D5D-453B-4EE1-B42A-DC72E377F1E4',
  blobTransactions: '43DAF82B-4618-444A-B994-40C23F7CD438',
  staticAddress: 'F271A8A388C44D93956A063E1D2FA80B',
} as const;

interface Consumption {
  readonly meterId: string;
  readonly quantity: Quantity;
}

const GIB = 2 ** 30;

const exactly = (value: number): Quantity => {
  const quantity = quantityFromNumber(value);
  if (quantity === null) throw new Error(`${String(value)} has more than 30 digits`);
  return quantity;
};

/** Capacity in GiB: a whole number of bytes, growing a little every hour. */
const capacity = (
  resource: SimulatedResource,
  what: string,
  hourNumber: number,
  gib: number,
): Quantity => {
  const first = Math.floor(draw(resource.resourceUri, what) * gib * GIB);
  return exactly((first + (hourNumber % 1_000) * 4096) / GIB);
};

const consumptionOf = (
  resource: SimulatedResource,
  hour: Hour,
  hourMillis: number,
): readonly Consumption[] => {
  const hourNumber = Math.floor(hour / hourMillis);
  const { kind, cores, windows, resourceUri } = resource;
  switch (kind) {
    case 'virtual-machine':
      return [
        { meterId: windows ? METERS.windowsCores : METERS.baseCores, quantity: exactly(cores) },
        { meterId: METERS.machineHours, quantity: exactly(1) },
      ];
    case 'disk':
      return [{ meterId: METERS.diskS10, quantity: exactly(1 / hoursInMonth(hour)) }];
    case 'storage-account':
      return [
        { meterId: METERS.blockBlobs, quantity: capacity(resource, 'blobs', hourNumber, 40) },
        { meterId: METERS.pageBlobs, quantity: capacity(resource, 'pages', hourNumber, 120) },
        { meterId: METERS.tables, quantity: capacity(resource, 'tables', hourNumber, 0.01) },
        {
          meterId: METERS.blobTransactions,
          // In units of 10,000; an idle account has none.
          quantity:
            parseQuantity(
              `${String(Math.max(0, Math.floor(draw(resourceUri, hour, 'requests') * 50_000) - 2_000))}e-4`,
            ) ?? ZERO,
        },
      ];
    case 'public-ip':
      return [{ meterId: METERS.staticAddress, quantity: exactly(1) }];
  }
};

/**
 * Splits a quantity over equal parts of an hour so that the parts add up to it exactly: the n-th of
 * `parts`, counted from 0.
 */
export const partOf = (total: Quantity, n: number, parts: number): Quantity => {
  const upTo = (count: number): bigint => (total * BigInt(count)) / BigInt(parts);
  return (upTo(n + 1) - upTo(n)) as Quantity;
};

/**
 * What a resource consumed in the n-th of `parts` equal parts of an hour, with an event for each meter. An
 * hour that a test has shortened has the usage of a real hour.
 */
export const usageOf = (
  resource: SimulatedResource,
  hour: Hour,
  { hourMillis, parts = 1 }: { readonly hourMillis: number; readonly parts?: number },
  n = 0,
): readonly UsageEvent[] =>
  consumptionOf(resource, hour, hourMillis).map(({ meterId, quantity }) => {
    const length = hourMillis / parts;
    const event = {
      ...textsOf({ ...resource, meterId }),
      usageStartTime: millis(hour + n * length),
      usageEndTime: millis(hour + (n + 1) * length),
    };
    return {
      ...event,
      eventId: usageEventId(event),
      quantity: partOf(quantity, n, parts),
    };
  });
