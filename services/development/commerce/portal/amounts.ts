import { decimalText } from '../../../shared/model/decimal.ts';
import { COST_SCALE } from '../../../operations/rates/rate-book.ts';
import { moneyText } from '../../../operations/chargeback/statement-text.ts';

const CENT = 10n ** BigInt(COST_SCALE - 2);

/** An amount in a table. What is not zero does not look like zero. */
export const amountText = (cost: bigint): string => {
  if (cost > 0n && cost < CENT / 2n) return '< 0.01';
  return cost < 0n && cost > -CENT / 2n ? '> -0.01' : moneyText(cost);
};

/** Every digit of an amount, for programs. */
export const exactAmount = (cost: bigint): string => decimalText(cost, COST_SCALE);
