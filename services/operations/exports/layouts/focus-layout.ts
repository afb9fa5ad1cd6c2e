import { QUANTITY_SCALE } from '../../../shared/model/decimal.ts';
import { monthOf, nextMonth } from '../../../shared/model/time.ts';
import { COST_SCALE, invoiceId, PRICE_SCALE, type Prices } from '../../rates/rate-book.ts';
import type { Column } from '../column.ts';
import type { ExportRow } from '../export-row.ts';
import { resourceParts } from '../resource-parts.ts';
import { flatTags, tagsOf } from '../tags.ts';
import type { ExportContext, PricedBy } from './export-context.ts';
import { focusService, focusUnit } from './focus-terms.ts';

type FocusColumn = Column<ExportRow>;

const text = (name: string, of: (row: ExportRow) => string | null): FocusColumn => ({
  type: 'text',
  name,
  // FOCUS knows nulls only, no empty texts.
  of: (row) => of(row) || null,
});

const time = (name: string, of: Extract<FocusColumn, { type: 'time' }>['of']): FocusColumn => ({
  type: 'time',
  name,
  of,
});

const decimal = (name: string, scale: number, of: (row: ExportRow) => bigint): FocusColumn => ({
  type: 'decimal',
  name,
  scale,
  of,
});

/** Usage without a rate costs nothing: FOCUS wants a unit price in every row. `x_Rated` tells it from usage that is free. */
const UNRATED = 0n;

/** Usage of an earlier month than the one in which it is billed. */
const isLate = ({ usageStart, reportedStart }: ExportRow): boolean =>
  monthOf(usageStart) < monthOf(reportedStart);

const tagsJson = ({ tags }: ExportRow): string | null => flatTags(tagsOf(tags));

const billing = ({ book }: PricedBy): readonly FocusColumn[] => [
  text('BillingAccountId', () => book.billingAccountId),
  text('BillingAccountName', () => book.billingAccountName),
  text('BillingAccountType', () => 'Provider Subscription'),
  text('BillingCurrency', () => book.currency),
  time('BillingPeriodStart', ({ reportedStart }) => monthOf(reportedStart)),
  time('BillingPeriodEnd', ({ reportedStart }) => nextMonth(monthOf(reportedStart))),
  text('InvoiceId', ({ reportedStart }) => invoiceId(book, monthOf(reportedStart))),
  text('InvoiceIssuerName', () => book.provider),
  text('PricingCurrency', () => book.currency),
  text('ProviderName', () => book.provider),
  text('PublisherName', () => book.provider),
];

/** There are no commitment discounts; the validator asks for the column all the same. */
const NO_DISCOUNT = text('CommitmentDiscountStatus', () => null);

const charge = ({ meterOf }: ExportContext): readonly FocusColumn[] => [
  text('ChargeCategory', () => 'Usage'),
  text('ChargeClass', (row) => (isLate(row) ? 'Correction' : null)),
  text('ChargeDescription', (row) => meterOf(row)?.name ?? `Meter ${row.meterId}`),
  NO_DISCOUNT,
  text('ChargeFrequency', () => 'Usage-Based'),
  time('ChargePeriodStart', ({ usageStart }) => usageStart),
  time('ChargePeriodEnd', ({ usageEnd }) => usageEnd),
];

const costs = ({ of }: PricedBy): readonly FocusColumn[] => {
  const pricesOf = (row: ExportRow): Prices =>
    of(row.meterKey, row.subscriptionKey, row.usageStart);
  const cost = (name: string, which: keyof Prices): FocusColumn =>
    decimal(name, COST_SCALE, (row) => (pricesOf(row)[which] ?? UNRATED) * row.quantity);
  const price = (name: string, which: keyof Prices): FocusColumn =>
    decimal(name, PRICE_SCALE, (row) => pricesOf(row)[which] ?? UNRATED);
  return [
    cost('BilledCost', 'contracted'),
    cost('ContractedCost', 'contracted'),
    cost('EffectiveCost', 'contracted'),
    cost('ListCost', 'list'),
    price('ContractedUnitPrice', 'contracted'),
    price('ListUnitPrice', 'list'),
    // Usage is billed in the currency in which it is priced.
    cost('PricingCurrencyEffectiveCost', 'contracted'),
    price('PricingCurrencyContractedUnitPrice', 'contracted'),
    price('PricingCurrencyListUnitPrice', 'list'),
    { type: 'json', name: 'x_Rated', of: (row) => String(pricesOf(row).contracted !== null) },
  ];
};

const quantities = ({ meterOf }: ExportContext): readonly FocusColumn[] => [
  decimal('ConsumedQuantity', QUANTITY_SCALE, ({ quantity }) => quantity),
  text('ConsumedUnit', (row) => focusUnit(meterOf(row))),
  text('PricingCategory', () => 'Standard'),
  decimal('PricingQuantity', QUANTITY_SCALE, ({ quantity }) => quantity),
  text('PricingUnit', (row) => focusUnit(meterOf(row))),
];

const subjects = ({ meterOf, subscriptionName }: ExportContext): readonly FocusColumn[] => [
  text('RegionId', ({ location }) => location),
  text('RegionName', ({ location }) => location),
  text('ResourceId', ({ resourceUri }) => resourceUri),
  text('ResourceName', ({ resourceUri }) => resourceParts(resourceUri).name),
  text('ResourceType', ({ resourceUri }) => resourceParts(resourceUri).type ?? 'Resource'),
  text('ServiceCategory', (row) => focusService(meterOf(row)).category),
  text('ServiceName', (row) => focusService(meterOf(row)).name),
  text('ServiceSubcategory', (row) => focusService(meterOf(row)).subcategory),
  text('SkuId', ({ meterKey }) => meterKey),
  text('SkuMeter', (row) => meterOf(row)?.name ?? row.meterId),
  text('SkuPriceDetails', () => null),
  // The price list has one tier for each meter, which begins at 0.
  text('SkuPriceId', ({ meterKey }) => `${meterKey}:0`),
  text('SubAccountId', ({ subscriptionId }) => subscriptionId),
  text('SubAccountName', subscriptionName),
  text('SubAccountType', () => 'Subscription'),
  { type: 'json', name: 'Tags', of: tagsJson },
];

/**
 * The columns of FOCUS 1.2, by name, and then those of our own (`x_…`). A bill is the month in which usage was reported, so it never
 * changes; usage of an earlier month in it is a correction.
 */
export const focusLayout = (context: ExportContext, prices: PricedBy): readonly FocusColumn[] => {
  const columns = [
    ...billing(prices),
    ...charge(context),
    ...costs(prices),
    ...quantities(context),
    ...subjects(context),
    text('x_AdditionalInfo', ({ additionalInfo }) => additionalInfo),
    text('x_MeterId', ({ meterId }) => meterId),
    time('x_ReportedEnd', ({ reportedEnd }) => reportedEnd),
    time('x_ReportedStart', ({ reportedStart }) => reportedStart),
  ];
  const rank = ({ name }: FocusColumn): string => (name.startsWith('x_') ? `1${name}` : `0${name}`);
  return columns.sort((a, b) => (rank(a) < rank(b) ? -1 : 1));
};
