import { readMeterCatalog } from '../../../services/shared/meters/meter-catalog.ts';
import type { Quantity } from '../../../services/shared/model/decimal.ts';
import { resourceKey } from '../../../services/shared/model/placement.ts';
import { millis, type Hour } from '../../../services/shared/model/time.ts';
import {
  usageEventId,
  uuidOf,
  uuidText,
  type UsageEvent,
} from '../../../services/shared/model/usage-event.ts';
import { seededRandom, type Random } from '../../support/workload/random.ts';

/** What a generated load is like. The same options give the same records. */
export interface LoadOptions {
  /** Records in all, duplicates among them. */
  readonly events: number;
  readonly tenants: number;
  /** Of each tenant. */
  readonly resources: number;
  /** Of each resource. */
  readonly meters: number;
  /** Usage hours that the events belong to: resources × meters × hours are the windows. */
  readonly usageHours: number;
  /** Share of the records that repeat an earlier one, from 0 to below 1. */
  readonly duplicates: number;
  /** Share of the events that come later than their place in time, from 0 to 1. */
  readonly lateness: number;
  readonly seed: number;
  readonly partitions: number;
}

/** What must be found when all of a load is counted. */
export interface LoadTotals {
  readonly records: number;
  readonly events: number;
  readonly windows: number;
}

export interface LoadRecord {
  readonly key: string;
  readonly event: UsageEvent;
}

interface Series {
  readonly key: string;
  readonly subscriptionId: string;
  readonly meterId: string;
  readonly resourceUri: string;
  readonly additionalInfo: string;
}

const LOCATION = 'local';
const QUANTITY_STEP = 10n ** 14n;
/** A whole number that a double holds exactly: quantities have as many digits as real ones. */
const MAX_STEPS = 2 ** 53 - 1;

const seriesOf = ({ tenants, resources, meters, seed }: LoadOptions): readonly Series[] => {
  const name = (...parts: readonly (string | number)[]): string =>
    uuidText(uuidOf(['bench', String(seed), ...parts.map(String)]));
  // The catalog's billable ones, so that the bridge has something to send, and names of no meaning beyond them.
  const billable = readMeterCatalog().filter((meter) => meter.billable);
  const meterIds = Array.from(
    { length: meters },
    (_, n) => billable[n]?.meterId ?? name('meter', n),
  );
  return Array.from({ length: tenants }, (_, tenant) => {
    const subscriptionId = name('subscription', tenant);
    return Array.from({ length: resources }, (_, n) => {
      const number = String(n).padStart(5, '0');
      const resourceUri = `/subscriptions/${subscriptionId}/resourceGroups/rg-${String(tenant)}/providers/Microsoft.Compute/virtualMachines/vm-${number}`;
      const additionalInfo = `{"ServiceType":"Standard_D${String(1 + (n % 8))}_v2"}`;
      const key = resourceKey(resourceUri);
      return meterIds.map((meterId) => ({
        key,
        subscriptionId,
        meterId,
        resourceUri,
        additionalInfo,
      }));
    }).flat();
  }).flat();
};

const distinctOf = ({ events, duplicates }: LoadOptions): number =>
  events - Math.floor(events * duplicates);

/** Events of each window, as far as there are enough. */
const partsOf = (options: LoadOptions): number => {
  const windows = options.tenants * options.resources * options.meters * options.usageHours;
  return Math.ceil(distinctOf(options) / windows);
};

export const totalsOf = (options: LoadOptions): LoadTotals => {
  const windows = options.tenants * options.resources * options.meters * options.usageHours;
  const events = distinctOf(options);
  // The parts of an hour come one after another: a window has its first event before another has its second.
  const series = windows / options.usageHours;
  const perHour = partsOf(options) * series;
  const wholeHours = Math.floor(events / perHour);
  return {
    records: options.events,
    events,
    windows: Math.min(windows, wholeHours * series + Math.min(series, events % perHour)),
  };
};

/** 0 to length - 1, each once, in an order that the random numbers decide. */
function* shuffled(length: number, random: Random): Generator<number, void, undefined> {
  const gcd = (a: number, b: number): number => (b === 0 ? a : gcd(b, a % b));
  let step = 1 + random.below(length);
  while (gcd(step, length) !== 1) step = 1 + random.below(length);
  let at = random.below(length);
  for (let n = 0; n < length; n++) {
    yield at;
    at = (at + step) % length;
  }
}

/**
 * The records of a load: the usage hours before `hour`, one after another, in equal parts; in each part
 * every series once, in another order each time. What is late or repeated comes one to `parts` parts after
 * its place.
 */
export function* loadRecords(
  options: LoadOptions,
  hour: Hour,
  hourMillis: number,
): Generator<LoadRecord, void, undefined> {
  const { usageHours, lateness, seed } = options;
  const random = seededRandom(seed);
  const series = seriesOf(options);
  const distinct = distinctOf(options);
  const repeats = options.events - distinct;
  const parts = partsOf(options);
  const length = Math.floor(hourMillis / parts);
  const rounds = usageHours * parts;
  const later = new Map<number, LoadRecord[]>();
  const postpone = (record: LoadRecord, round: number): void => {
    const into = Math.min(rounds, round + 1 + random.below(parts));
    const list = later.get(into);
    if (list) list.push(record);
    else later.set(into, [record]);
  };
  let made = 0;
  for (let round = 0; round <= rounds; round++) {
    if (round < rounds) {
      const start =
        hour -
        usageHours * hourMillis +
        Math.floor(round / parts) * hourMillis +
        (round % parts) * length;
      for (const index of shuffled(series.length, random)) {
        const from = series[index];
        if (!from || made === distinct) break;
        const record = { key: from.key, event: eventOf(from, start, length, random) };
        // Repeats are spread evenly, and so that there are exactly as many as wanted.
        const copies =
          Math.floor(((made + 1) * repeats) / distinct) - Math.floor((made * repeats) / distinct);
        made++;
        for (let n = 0; n < copies; n++) postpone(record, round);
        if (random.chance(lateness)) postpone(record, round);
        else yield record;
      }
    }
    yield* later.get(round) ?? [];
    later.delete(round);
  }
}

const eventOf = (series: Series, start: number, length: number, random: Random): UsageEvent => {
  const { subscriptionId, meterId, resourceUri, additionalInfo } = series;
  const times = { usageStartTime: millis(start), usageEndTime: millis(start + length) };
  return {
    eventId: usageEventId({ subscriptionId, meterId, resourceUri, ...times }),
    subscriptionId,
    meterId,
    resourceUri,
    ...times,
    quantity: (BigInt(1 + Math.floor(random.fraction() * MAX_STEPS)) * QUANTITY_STEP) as Quantity,
    location: LOCATION,
    tags: null,
    additionalInfo,
  };
};
