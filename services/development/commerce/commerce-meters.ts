import type { Meter } from '../../shared/meters/meter-catalog.ts';
import { asciiLower } from '../../shared/model/placement.ts';

/** A meter of Commerce: what one dimension is. Several local meters may be billed as one. */
export interface CommerceMeter {
  readonly name: string;
  readonly unit: string;
  readonly category: string;
  /** False for a meter of infrastructure, which is billed at price zero. */
  readonly charged: boolean;
}

/** The meters of Commerce, by their dimension in lower case. */
export type CommerceMeters = ReadonlyMap<string, CommerceMeter>;

export const commerceMeters = (catalog: readonly Meter[]): CommerceMeters => {
  const meters = new Map<string, CommerceMeter>();
  for (const { dimension, name, unit, category, billing } of catalog) {
    const known = billing === 'full-price' || billing === 'admin';
    const key = asciiLower(dimension);
    if (!known || meters.has(key)) continue;
    meters.set(key, { name, unit, category, charged: billing === 'full-price' });
  }
  return meters;
};
