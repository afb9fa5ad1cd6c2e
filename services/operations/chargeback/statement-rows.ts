import { QUANTITY_SCALE } from '../../shared/model/decimal.ts';
import type { Column } from '../exports/column.ts';
import { COST_SCALE, PRICE_SCALE } from '../rates/rate-book.ts';
import type { ChargeLine, Statement, SubscriptionCharges } from './statement.ts';

export interface StatementRow {
  readonly subscription: SubscriptionCharges;
  readonly line: ChargeLine;
}

export const statementRows = ({ subscriptions }: Statement): readonly StatementRow[] =>
  subscriptions.flatMap((subscription) =>
    subscription.lines.map((line) => ({ subscription, line })),
  );

/** A statement as a file: exact, one row for each line. */
export const statementColumns = ({
  month,
  to,
  invoiceId,
  currency,
  tagName,
}: Statement): readonly Column<StatementRow>[] => [
  { name: 'invoiceId', type: 'text', of: () => invoiceId },
  { name: 'reportedStartTime', type: 'time', of: () => month },
  { name: 'reportedEndTime', type: 'time', of: () => to },
  { name: 'subscriptionId', type: 'text', of: ({ subscription }) => subscription.subscriptionKey },
  { name: 'subscriptionName', type: 'text', of: ({ subscription }) => subscription.name },
  ...(tagName === null
    ? []
    : ([
        { name: 'tagName', type: 'text', of: () => tagName },
        { name: 'tagValue', type: 'text', of: ({ line }) => line.tag?.text ?? null },
        // Tells the text "true" from the boolean, and an empty value from usage that does not have the tag.
        { name: 'tagType', type: 'text', of: ({ line }) => line.tag?.type ?? null },
      ] satisfies Column<StatementRow>[])),
  { name: 'meterId', type: 'text', of: ({ line }) => line.meterKey },
  { name: 'meterName', type: 'text', of: ({ line }) => line.meterName },
  { name: 'unit', type: 'text', of: ({ line }) => line.unit },
  { name: 'quantity', type: 'decimal', scale: QUANTITY_SCALE, of: ({ line }) => line.quantity },
  { name: 'unitPrice', type: 'decimal', scale: PRICE_SCALE, of: ({ line }) => line.unitPrice },
  { name: 'cost', type: 'decimal', scale: COST_SCALE, of: ({ line }) => line.cost },
  { name: 'currency', type: 'text', of: () => currency },
];
