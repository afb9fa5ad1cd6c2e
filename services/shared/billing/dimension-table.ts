import { formatQuantity } from '../decimal.ts';
import { formatTable } from '../terminal/table.ts';
import type { Reconciliation } from './reconcile.ts';

/** The totals of each meter, side by side; without Commerce's where that was not asked. */
export const dimensionTable = (
  title: string,
  dimensions: Reconciliation['dimensions'],
  meterName: (dimensionKey: string) => string,
  hasCommerce: boolean,
): string =>
  formatTable(
    [title, 'WINDOWS', 'SUBMITTED', ...(hasCommerce ? ['COMMERCE'] : []), ''],
    dimensions.map(({ dimensionKey, windows, submitted, accepted }) => {
      const sides = [windows, submitted, ...(hasCommerce ? [accepted] : [])];
      const isEqual = sides.every((each) => each === windows);
      return [meterName(dimensionKey), ...sides.map(formatQuantity), isEqual ? 'equal' : ''];
    }),
  );
