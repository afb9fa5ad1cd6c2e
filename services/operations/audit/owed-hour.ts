import type { MeterTerms } from '../../shared/billing/billing-terms.ts';
import { addQuantities, ZERO, type Quantity } from '../../shared/model/decimal.ts';
import type { Source, SourcePartition } from '../../shared/model/source.ts';
import type { Hour } from '../../shared/model/time.ts';
import { usageAggregateId } from '../../shared/model/usage-aggregate.ts';
import { uuidText } from '../../shared/model/usage-event.ts';
import type { CountedHour } from './counted-window.ts';

/** What one resource and meter add up to in one hour. */
export interface OwedSum {
  readonly resourceKey: string;
  readonly meterKey: string;
  /** Their ids. */
  readonly aggregates: Set<string>;
  quantity: Quantity;
}

/** What a closed hour adds up to on the bill. */
export interface OwedHour {
  /** How many aggregates it has, and how many of them are billed. */
  readonly aggregates: number;
  readonly submitted: number;
  /** What is billed, by `sumKey`. */
  readonly sums: ReadonlyMap<string, OwedSum>;
}

/** What is submitted together. Neither key holds a NUL. */
export const sumKey = (resourceKey: string, meterKey: string): string =>
  `${resourceKey}\0${meterKey}`;

/** Adds up the windows of an hour, of which there are none where nothing was counted. */
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
