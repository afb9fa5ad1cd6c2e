import { LosslessNumber, stringify } from 'lossless-json';
import { csvLine, type CsvValue } from '../../shared/csv/csv.ts';
import { formatQuantity } from '../../shared/model/decimal.ts';
import { offsetText } from '../../shared/model/instance-data.ts';
import { isoText } from '../../shared/model/time.ts';
import type { UsageRow } from '../../shared/usage-client/usage-row.ts';
import { safeJson } from '../print.ts';
import type { MeterNames } from './meter-names.ts';

/** A row, and whether its reported hour is still open. */
export interface ShownRow {
  readonly row: UsageRow;
  readonly isProvisional: boolean;
}

/** A row as the usage API writes it; `provisional` is added where it holds. */
export const rowJson = ({ row, isProvisional }: ShownRow): string => {
  const json = stringify({
    id: row.id,
    name: row.name,
    type: row.type,
    properties: {
      subscriptionId: row.subscriptionId,
      usageStartTime: offsetText(row.usageStart),
      usageEndTime: offsetText(row.usageEnd),
      instanceData: row.instanceData,
      quantity: new LosslessNumber(formatQuantity(row.quantity)),
      meterId: row.meterId,
      name: row.name,
    },
    ...(isProvisional && { provisional: true }),
  });
  return safeJson(json ?? '');
};

const CSV_COLUMNS = [
  'UsageStartTime',
  'UsageEndTime',
  'SubscriptionId',
  'MeterId',
  'MeterName',
  'Unit',
  'Quantity',
  'ResourceUri',
  'Location',
  'Tags',
  'AdditionalInfo',
  'Provisional',
] as const;

export const CSV_HEADER = csvLine(CSV_COLUMNS);

export const rowCsv = ({ row, isProvisional }: ShownRow, meters: MeterNames): string => {
  const { name, unit } = meters.of(row.meterId);
  const values: Readonly<Record<(typeof CSV_COLUMNS)[number], CsvValue>> = {
    UsageStartTime: isoText(row.usageStart),
    UsageEndTime: isoText(row.usageEnd),
    SubscriptionId: row.subscriptionId,
    MeterId: row.meterId,
    MeterName: name,
    Unit: unit,
    Quantity: { decimal: formatQuantity(row.quantity) },
    ResourceUri: row.resourceUri,
    Location: row.location,
    Tags: row.tags,
    AdditionalInfo: row.additionalInfo,
    Provisional: isProvisional ? 'true' : 'false',
  };
  return csvLine(CSV_COLUMNS.map((column) => values[column]));
};
