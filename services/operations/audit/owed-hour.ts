import type { MeterTerms } from '../../shared/billing/billing-terms.ts';
import { addQuantities, ZERO, type Quantity } from '../../shared/model/decimal.ts';
import type { Source, SourcePartition } from '../../shared/model/source.ts';
import type { Hour } from '../../shared/model/time.ts';
import { usageAggregateId } from '../../shared/model/usage-aggregate.ts';
import { uuidText } from '../../shared/model/usage-event.ts';
import type { CountedHour } from './counted-window.ts';

/** The sum of one resource and meter in one hour. */
export interface OwedSum {
  readonly resourceKey: string;
  readonly meterKey: string;
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
}

/** The key of usage that is submitted together. Neither part contains a NUL. */
export const sumKey = (resourceKey: string, meterKey: string): string =>
  `${resourceKey}\0${meterKey}`;

/** Adds up the windows of an hour. There are none if nothing was counted. */
export const owedOf = (
  at: SourcePartition,
  { billable }: Source,
  hour: Hour,
  counted: CountedHour | undefined,
  meters: ReadonlyMap<string, MeterTerms>,
): OwedHour => {
  const groups = new Set<string>();
  const sums = new Map<string, OwedSum>();
  let submitted = 0;
  for (const window of counted?.windows.values() ?? []) {
    const { subscriptionKey, meterKey, resourceKey, quantity } = window;
    const group = [subscriptionKey, meterKey, resourceKey].join('\0');
    const isNew = !groups.has(group);
    groups.add(group);
    if (!billable || meters.get(meterKey)?.billable === false) continue;
    if (isNew) submitted++;
    const key = sumKey(resourceKey, meterKey);
    const sum = sums.get(key) ?? { resourceKey, meterKey, aggregates: new Set(), quantity: ZERO };
    sums.set(key, sum);
    sum.quantity = addQuantities(sum.quantity, quantity);
    if (isNew) sum.aggregates.add(uuidText(usageAggregateId(at, hour, window)));
  }
  return { aggregates: groups.size, submitted, sums };
};
