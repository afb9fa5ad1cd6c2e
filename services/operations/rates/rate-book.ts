import { isoText, type Millis } from '../../shared/model/time.ts';

/** Prices have at most ten decimal places and are below 10^11: a price times any quantity fits `Decimal(76, 40)`. */
export const PRICE_SCALE = 10;
/** The decimal places of a price times a quantity: every digit of it. */
export const COST_SCALE = 40;

export interface Rate {
  readonly meterKey: string;
  /** Whose price it is; null for the list price, for everybody who has no price of their own. */
  readonly subscriptionKey: string | null;
  /** A UTC midnight. It holds for usage from then on, until the next rate of this meter and subscription. */
  readonly from: Millis;
  /** In units of 10^-10 of the currency; null ends the rate before it. */
  readonly price: bigint | null;
}

/** A price list: what a rate file says. */
export interface RateBook {
  /** ISO 4217. */
  readonly currency: string;
  /** Who sells, and who issues the invoice. */
  readonly provider: string;
  readonly billingAccountId: string;
  readonly billingAccountName: string;
  readonly rates: readonly Rate[];
}

/** The bill for everything that was reported in a month: the statement of `usagectl chargeback`, and an invoice of FOCUS. */
export const invoiceId = ({ billingAccountId }: RateBook, month: Millis): string =>
  `${billingAccountId}:${isoText(month).slice(0, 7)}`;

/** The prices of some usage; null where there is none. */
export interface Prices {
  readonly list: bigint | null;
  /** The subscription's own price, or the list price. */
  readonly contracted: bigint | null;
}

export type PriceFinder = (meterKey: string, subscriptionKey: string, usage: Millis) => Prices;

const nameOf = (meterKey: string, subscriptionKey: string | null): string =>
  `${meterKey}\0${subscriptionKey ?? ''}`;

/** Finds the prices that hold at a time of usage. */
export const priceFinder = (rates: readonly Rate[]): PriceFinder => {
  const newestFirst = new Map<string, Rate[]>();
  for (const rate of [...rates].sort((a, b) => b.from - a.from)) {
    const name = nameOf(rate.meterKey, rate.subscriptionKey);
    const same = newestFirst.get(name);
    if (same === undefined) newestFirst.set(name, [rate]);
    else same.push(rate);
  }
  const at = (name: string, usage: Millis): bigint | null =>
    newestFirst.get(name)?.find(({ from }) => from <= usage)?.price ?? null;
  return (meterKey, subscriptionKey, usage) => {
    const list = at(nameOf(meterKey, null), usage);
    return { list, contracted: at(nameOf(meterKey, subscriptionKey), usage) ?? list };
  };
};
