import type { Usage } from '../../provider-sdk/usage.ts';
import { formatQuantity, type Quantity } from '../../shared/model/decimal.ts';
import { HOUR_MILLIS, hourOf, type Millis } from '../../shared/model/time.ts';
import { KINDS } from './kinds.ts';
import { quantityUpTo } from './measure.ts';
import type { CloudResource } from './resource.ts';
import { stretchesOf } from './resource-state.ts';

/**
 * What a resource consumed from an instant to before another one, within one hour: a usage for each meter,
 * and for each state that the resource was in. However an hour is cut into slices, they add up to the same
 * total, to the last decimal: each is the difference between two amounts since the start of the hour.
 * @param hourMillis the length of an hour. One that a test has shortened has the usage of a real hour.
 */
export const usageOf = (
  resource: CloudResource,
  from: Millis,
  to: Millis,
  hourMillis: number = HOUR_MILLIS,
): readonly Usage[] => {
  const { resourceUri } = resource;
  const hour = hourOf(from, hourMillis);
  if (to > hour + hourMillis) throw new RangeError('usage is asked for one hour at a time');
  const kind = KINDS[resource.kind];
  const usage: Usage[] = [];
  /** For each meter, its amount times milliseconds since the start of the hour. */
  const sums = new Map<string, bigint>();
  for (const stretch of stretchesOf(resource, hour, to)) {
    const { state } = stretch;
    const start = Math.max(stretch.from, from) as Millis;
    for (const measure of kind.measures({ resourceUri, state, hour, hourMillis })) {
      const { meterId, perHour } = measure;
      const before = sums.get(meterId) ?? 0n;
      const sumAt = (instant: Millis): bigint => before + perHour * BigInt(instant - stretch.from);
      sums.set(meterId, sumAt(stretch.to));
      if (start >= stretch.to) continue;
      const quantity =
        quantityUpTo(measure, sumAt(stretch.to), hourMillis) -
        quantityUpTo(measure, sumAt(start), hourMillis);
      if (quantity === 0n) continue;
      usage.push({
        subscriptionId: resource.subscriptionId,
        resourceUri,
        meterId,
        from: start,
        to: stretch.to,
        quantity: formatQuantity(quantity as Quantity),
        location: resource.location,
        tags: resource.tags,
        additionalInfo: kind.additionalInfo(state),
      });
    }
  }
  return usage;
};
