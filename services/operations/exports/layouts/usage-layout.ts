import { QUANTITY_SCALE } from '../../../shared/model/decimal.ts';
import { COST_SCALE, PRICE_SCALE } from '../../rates/rate-book.ts';
import type { Column } from '../column.ts';
import type { ExportRow } from '../export-row.ts';
import { unitPrice, type ExportContext } from './export-context.ts';

/** This project's own columns: a row of the usage API, when it was reported, the meter's name and unit, and its cost if there are rates. */
export const usageLayout = ({ meterOf, prices }: ExportContext): readonly Column<ExportRow>[] => [
  { name: 'reportedStartTime', type: 'time', of: (row) => row.reportedStart },
  { name: 'reportedEndTime', type: 'time', of: (row) => row.reportedEnd },
  { name: 'usageStartTime', type: 'time', of: (row) => row.usageStart },
  { name: 'usageEndTime', type: 'time', of: (row) => row.usageEnd },
  { name: 'subscriptionId', type: 'text', of: (row) => row.subscriptionId },
  { name: 'meterId', type: 'text', of: (row) => row.meterId },
  { name: 'meterName', type: 'text', of: (row) => meterOf(row)?.name ?? null },
  { name: 'unit', type: 'text', of: (row) => meterOf(row)?.unit ?? null },
  { name: 'quantity', type: 'decimal', scale: QUANTITY_SCALE, of: (row) => row.quantity },
  { name: 'resourceUri', type: 'text', of: (row) => row.resourceUri },
  { name: 'location', type: 'text', of: (row) => row.location },
  { name: 'tags', type: 'text', of: (row) => row.tags },
  { name: 'additionalInfo', type: 'text', of: (row) => row.additionalInfo },
  ...(prices === null
    ? []
    : ([
        {
          name: 'unitPrice',
          type: 'decimal',
          scale: PRICE_SCALE,
          of: (row) => unitPrice(prices, row),
        },
        {
          name: 'cost',
          type: 'decimal',
          scale: COST_SCALE,
          of: (row) => {
            const price = unitPrice(prices, row);
            return price === null ? null : price * row.quantity;
          },
        },
        { name: 'currency', type: 'text', of: () => prices.book.currency },
      ] satisfies Column<ExportRow>[])),
];
