import { readMeterCatalog, type Meter } from '../../shared/meters/meter-catalog.ts';
import { asciiLower } from '../../shared/model/placement.ts';

/** Names and units of meters, which the usage API does not tell. */
export class MeterNames {
  private readonly meters: ReadonlyMap<string, Meter>;

  constructor(catalog: readonly Meter[] = readMeterCatalog()) {
    this.meters = new Map(catalog.map((meter) => [asciiLower(meter.meterId), meter]));
  }

  /** Both are null if the catalog does not know the meter. */
  of(meterId: string): { readonly name: string | null; readonly unit: string | null } {
    return this.meters.get(asciiLower(meterId)) ?? { name: null, unit: null };
  }
}
