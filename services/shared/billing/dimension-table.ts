import { formatQuantity } from '../model/decimal.ts';
import { formatTable } from '../terminal/table.ts';
import type { DimensionTotals, Reconciliation } from './reconcile.ts';

/**
 * The totals of each meter, side by side, with "equal" or what is not billed. Without the column of
 * Commerce if it was not asked.
 */
export const dimensionTable = (
  title: string,
  { dimensions, unbilled }: Pick<Reconciliation, 'dimensions' | 'unbilled'>,
  meterName: (dimensionKey: string) => string,
  hasCommerce: boolean,
): string => {
  const hasCarries = dimensions.some(({ carriedIn, carriedOn }) => carriedIn + carriedOn !== 0n);
  const stateOf = (totals: DimensionTotals): string => {
    const waiting = unbilled.filter(({ dimensionKey }) => dimensionKey === totals.dimensionKey);
    if (waiting.length > 0) {
      return waiting.map(({ why, quantity }) => `${formatQuantity(quantity)} ${why}`).join(', ');
    }
    return isEqual(totals, hasCommerce) ? 'equal' : 'differs';
  };
  return formatTable(
    [
      title,
      'WINDOWS',
      ...(hasCarries ? ['CARRIED IN', 'CARRIED ON'] : []),
      'SUBMITTED',
      ...(hasCommerce ? ['COMMERCE'] : []),
      '',
    ],
    dimensions.map((totals) => [
      meterName(totals.dimensionKey),
      formatQuantity(totals.windows),
      ...(hasCarries ? [totals.carriedIn, totals.carriedOn].map(formatQuantity) : []),
      formatQuantity(totals.submitted),
      ...(hasCommerce ? [formatQuantity(totals.accepted)] : []),
      stateOf(totals),
    ]),
  );
};

/** Whether everything in the windows, including what was carried, was submitted and accepted. */
const isEqual = (totals: DimensionTotals, hasCommerce: boolean): boolean => {
  const { windows, carriedIn, carriedOn, submitted, accepted } = totals;
  const isSubmitted = windows + carriedIn === submitted + carriedOn;
  return isSubmitted && (!hasCommerce || accepted === submitted);
};
