import { QUANTITY_SCALE } from '../../../shared/model/decimal.ts';
import type { Column } from '../column.ts';
import type { ExportRow } from '../export-row.ts';
import type { ExportContext } from './export-context.ts';

/** A part of a resource's URI, by the convention of Azure Stack's own script; null where there is none. */
const segment =
  (index: number) =>
  (row: ExportRow): string | null =>
    row.resourceUri.split('/')[index] ?? null;

/**
 * The columns of `Usagesummary.ps1` of AzureStack-Tools, with their names and in their order. `subowner` is empty, as it is in the script
 * for a subscription without an owner.
 */
export const azureStackLayout = ({ meterOf }: ExportContext): readonly Column<ExportRow>[] => [
  { name: 'UsageStartTime', type: 'time', of: (row) => row.usageStart },
  { name: 'UsageEndTime', type: 'time', of: (row) => row.usageEnd },
  { name: 'MeterName', type: 'text', of: (row) => meterOf(row)?.name ?? null },
  { name: 'Quantity', type: 'decimal', scale: QUANTITY_SCALE, of: (row) => row.quantity },
  { name: 'resourceType', type: 'text', of: segment(7) },
  { name: 'location', type: 'text', of: (row) => row.location },
  { name: 'resourceGroup', type: 'text', of: segment(4) },
  { name: 'resourceName', type: 'text', of: segment(8) },
  { name: 'subowner', type: 'text', of: () => null },
  { name: 'tags', type: 'text', of: (row) => row.tags },
  { name: 'MeterId', type: 'text', of: (row) => row.meterId },
  { name: 'additionalInfo', type: 'text', of: (row) => row.additionalInfo },
  { name: 'subscription', type: 'text', of: segment(2) },
  { name: 'resourceUri', type: 'text', of: (row) => row.resourceUri },
];
