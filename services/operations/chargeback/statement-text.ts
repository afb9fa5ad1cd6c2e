import { decimalText, QUANTITY_SCALE, roundedText } from '../../shared/model/decimal.ts';
import type { TagValue } from '../exports/tags.ts';
import { COST_SCALE, PRICE_SCALE } from '../rates/rate-book.ts';

const QUANTITY_PLACES = 4;
const MONEY_PLACES = 2;

/** Amounts for people. The totals are sums of exact costs, rounded once. */
export const moneyText = (cost: bigint): string => roundedText(cost, COST_SCALE, MONEY_PLACES);

/** A quantity for people. One that is too small to be seen is not the same as none. */
export const quantityText = (quantity: bigint): string => {
  const text = roundedText(quantity, QUANTITY_SCALE, QUANTITY_PLACES);
  if (quantity === 0n || !/^[0.]*$/.test(text)) return text;
  return quantity > 0n ? `<${text.slice(0, -1)}1` : `>-${text.slice(0, -1)}1`;
};

/** A price as it stands in the rate file. */
export const priceText = (price: bigint): string => decimalText(price, PRICE_SCALE);

export const NO_RATE = 'no rate';

const NO_TAG = '(no tag)';
const OF_JSON = ' (JSON)';

/** The value of a tag for people. Different values look different: a text that looks like another kind of value is quoted. */
export const tagText = (tag: TagValue | null): string => {
  if (tag === null) return NO_TAG;
  const { type, text } = tag;
  if (type === 'json') return `${text}${OF_JSON}`;
  const isUnclear =
    text === '' || text === NO_TAG || text.startsWith('"') || text.endsWith(OF_JSON);
  return isUnclear ? JSON.stringify(text) : text;
};
