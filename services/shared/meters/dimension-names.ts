import { asciiLower } from '../model/placement.ts';
import type { Meter } from './meter-catalog.ts';

/**
 * Names of what is billed, by the dimension in lower case: the first meter that Commerce bills under it. A
 * meter that is not billed has its name under its own id.
 */
export const dimensionNames = (
  catalog: readonly Meter[],
): ReadonlyMap<string, Pick<Meter, 'name' | 'unit'>> => {
  const names = new Map<string, Pick<Meter, 'name' | 'unit'>>();
  const inOrder = [
    ...catalog.filter(({ billable }) => billable),
    ...catalog.filter(({ billable }) => !billable),
  ];
  for (const meter of inOrder) {
    for (const key of [meter.dimension, meter.meterId].map(asciiLower)) {
      if (!names.has(key)) names.set(key, meter);
    }
  }
  return names;
};
