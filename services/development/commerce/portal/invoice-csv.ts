import { csvLine } from '../../../shared/csv/csv.ts';
import { decimalText, QUANTITY_SCALE } from '../../../shared/model/decimal.ts';
import { PRICE_SCALE } from '../../../operations/rates/rate-book.ts';
import { usageMonthOf } from '../../../shared/model/usage-months.ts';
import { exactAmount } from './amounts.ts';
import { linesOfInvoice, type Invoice } from './invoice.ts';
import type { Names } from './names.ts';

const COLUMNS = [
  'InvoiceId',
  'BillingMonth',
  'UsageMonth',
  'Registration',
  'CustomerSubscriptionId',
  'LocalSubscriptionId',
  'MeterId',
  'MeterName',
  'Unit',
  'Quantity',
  'UnitPrice',
  'Cost',
  'Currency',
  'CreditedBecause',
];

/** An invoice for a spreadsheet: one line for each line of the page, with all digits. The costs add up to its total. */
export const invoiceCsv = (invoice: Invoice, names: Names, currency: string): string =>
  csvLine(COLUMNS) +
  linesOfInvoice(invoice)
    .map((line) =>
      csvLine([
        invoice.id,
        usageMonthOf(invoice.month),
        line.usageMonth,
        invoice.registration,
        invoice.billedTo,
        line.tenantSubscription,
        line.dimension,
        names.meter(line.dimension),
        names.unit(line.dimension),
        { decimal: decimalText(line.quantity, QUANTITY_SCALE) },
        line.unitPrice === null ? null : { decimal: decimalText(line.unitPrice, PRICE_SCALE) },
        line.cost === null ? null : { decimal: exactAmount(line.cost) },
        currency,
        line.credit,
      ]),
    )
    .join('');
