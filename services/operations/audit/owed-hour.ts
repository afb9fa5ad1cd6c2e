import type { BillingTerms, MeterTerms } from '../../shared/billing/billing-terms.ts';
import { addQuantities, formatQuantity, ZERO, type Quantity } from '../../shared/model/decimal.ts';
import { asciiLower } from '../../shared/model/placement.ts';
import type { Source, SourcePartition } from '../../shared/model/source.ts';
import { isoText, millis, type Hour } from '../../shared/model/time.ts';
import { usageAggregateId } from '../../shared/model/usage-aggregate.ts';
import { uuidText } from '../../shared/model/usage-event.ts';
import type { CountedHour, CountedWindow } from './counted-window.ts';

/** The terms of an hour, with its known meters by their ids in lower case. */
export interface TermsInForce {
  readonly terms: BillingTerms;
  readonly meters: ReadonlyMap<string, MeterTerms>;
}

/** The sum of one resource and dimension in one hour. */
export interface OwedSum {
  readonly resourceKey: string;
  readonly dimension: BilledAs;
  /** The location of its first aggregate. */
  readonly location: string;
  /** In lower case. */
  readonly meters: Set<string>;
  /** By month of usage: `2026-11`. */
  readonly months: Map<string, Quantity>;
  /** The ids of its aggregates. */
  readonly aggregates: Set<string>;
  quantity: Quantity;
}

/** What a closed hour comes to on the bill. */
export interface OwedHour {
  /** The number of its aggregates, and how many of them are billed. */
  readonly aggregates: number;
  readonly submitted: number;
  /** The billed sums, by `sumKey`. */
  readonly sums: ReadonlyMap<string, OwedSum>;
  /** What is not billed, as texts in order: reason, meter, subscription, quantity and ids. */
  readonly unbilled: readonly string[];
}

/** How a meter's usage is submitted. An unknown meter is its own dimension. */
export interface BilledAs {
  readonly dimension: string;
  readonly planId: string;
  readonly isKnown: boolean;
}

/** The key of usage that is submitted together. Neither part contains a NUL. */
export const sumKey = (resourceKey: string, dimensionKey: string): string =>
  `${resourceKey}\0${dimensionKey}`;

export const billedAs = (meterKey: string, { terms, meters }: TermsInForce): BilledAs => {
  const meter = meters.get(meterKey);
  if (meter?.billable) return { ...meter, isKnown: true };
  return {
    dimension: meter?.meterId ?? meterKey,
    planId: terms.planId,
    isKnown: meter !== undefined,
  };
};

/** Text of unbilled usage, to be compared as a whole. */
export const unbilledText = (
  reason: string,
  meterKey: string,
  subscriptionKey: string,
  quantity: Quantity,
  ids: readonly string[],
): string =>
  [reason, meterKey, subscriptionKey, formatQuantity(quantity), ...[...ids].sort()].join(' ');

const addMonth = (months: Map<string, Quantity>, month: string, quantity: Quantity): void => {
  months.set(month, addQuantities(months.get(month) ?? ZERO, quantity));
};

const whyNot = (
  billable: boolean,
  { subscriptionKey, meterKey }: CountedWindow,
  { terms, meters }: TermsInForce,
): string | null => {
  if (!billable) return 'source-not-billable';
  if (terms.infrastructure.includes(subscriptionKey)) return 'infrastructure';
  const meter = meters.get(meterKey);
  return meter?.billable === false ? meter.reason : null;
};

/** Windows in the order in which their aggregates are published; of one aggregate, the first event first. */
const inOrder = (windows: Iterable<CountedWindow>): readonly CountedWindow[] => {
  const keyed = [...windows].map((window) => ({
    window,
    key: Buffer.from([window.subscriptionKey, window.meterKey, window.resourceKey].join('\0')),
  }));
  keyed.sort((a, b) => Buffer.compare(a.key, b.key) || a.window.firstOffset - b.window.firstOffset);
  return keyed.map(({ window }) => window);
};

/** Adds up the windows of an hour. There are none if nothing was counted. */
export const owedOf = (
  at: SourcePartition,
  { billable }: Source,
  hour: Hour,
  counted: CountedHour | undefined,
  inForce: TermsInForce,
): OwedHour => {
  const groups = new Set<string>();
  const sums = new Map<string, OwedSum>();
  const unbilled = new Map<string, { quantity: Quantity; ids: Set<string>; by: string[] }>();
  let submitted = 0;
  for (const window of inOrder(counted?.windows.values() ?? [])) {
    const { subscriptionKey, meterKey, resourceKey, quantity, usageHour } = window;
    const group = [subscriptionKey, meterKey, resourceKey].join('\0');
    const isNew = !groups.has(group);
    groups.add(group);
    const id = uuidText(usageAggregateId(at, hour, window));
    const reason = whyNot(billable, window, inForce);
    if (reason !== null) {
      const by = [reason, meterKey, subscriptionKey];
      const found = unbilled.get(by.join('\0')) ?? { quantity: ZERO, ids: new Set<string>(), by };
      unbilled.set(by.join('\0'), found);
      found.quantity = addQuantities(found.quantity, quantity);
      found.ids.add(id);
      continue;
    }
    if (isNew) submitted++;
    const dimension = billedAs(meterKey, inForce);
    const key = sumKey(resourceKey, asciiLower(dimension.dimension));
    const sum = sums.get(key) ?? {
      resourceKey,
      dimension,
      location: window.first.location ?? '',
      meters: new Set(),
      months: new Map(),
      aggregates: new Set(),
      quantity: ZERO,
    };
    sums.set(key, sum);
    sum.meters.add(meterKey);
    sum.quantity = addQuantities(sum.quantity, quantity);
    addMonth(sum.months, isoText(millis(usageHour)).slice(0, 7), quantity);
    sum.aggregates.add(id);
  }
  return {
    aggregates: groups.size,
    submitted,
    sums,
    unbilled: [...unbilled.values()]
      .map(({ by: [reason = '', meterKey = '', subscriptionKey = ''], quantity, ids }) =>
        unbilledText(reason, meterKey, subscriptionKey, quantity, [...ids]),
      )
      .sort(),
  };
};
