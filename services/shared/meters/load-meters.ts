import type { ClickHouseClient } from '@clickhouse/client';
import { insertRows } from '../clickhouse/client.ts';
import { asciiLower } from '../model/placement.ts';
import type { Meter } from './meter-catalog.ts';

/** Loads the catalog into `meters`, where newer rows replace older ones. */
export const loadMeters = (client: ClickHouseClient, meters: readonly Meter[]): Promise<void> =>
  insertRows(
    client,
    'meters',
    meters.map((meter) => ({
      meter_key: asciiLower(meter.meterId),
      meter_id: meter.meterId,
      name: meter.name,
      unit: meter.unit,
      resource_provider: meter.resourceProvider,
      category: meter.category,
      deprecated: meter.deprecated,
      billable: meter.billable,
      billing: meter.billing,
      dimension: meter.dimension,
    })),
  );
