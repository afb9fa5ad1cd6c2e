import { decimalText } from '../../shared/model/decimal.ts';
import { isoText } from '../../shared/model/time.ts';
import type { Column } from './column.ts';

/** A cell as text: times in ISO 8601 and UTC, decimals with all their digits and no exponent. */
export const cellText = <Row>(column: Column<Row>, row: Row): string | null => {
  switch (column.type) {
    case 'text':
    case 'json':
      return column.of(row);
    case 'time':
      return isoText(column.of(row));
    case 'decimal': {
      const value = column.of(row);
      return value === null ? null : decimalText(value, column.scale);
    }
  }
};
