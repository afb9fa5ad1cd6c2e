import { z } from 'zod';
import { formatQuantity, parseQuantity, type Quantity } from '../../shared/model/decimal.ts';
import { fail, succeed, type Result } from '../../shared/model/result.ts';
import { millis, monthOf, type Millis } from '../../shared/model/time.ts';
import { month, name } from './additional-info.ts';
import type { Billing } from './metering-event.ts';
import { AFTER_SEPARATOR, SEPARATOR, type Store } from './store.ts';
import { readJson } from './read-json.ts';

/**
 * The metering service takes nothing below zero. Usage that was billed and should not have been is settled by
 * people: the operator claims it from Microsoft's support, which grants a credit. It is a line of its own on the
 * invoice of the month in which it is granted.
 */
export interface ClaimedCredit {
  /** The claim's own id: the submission that is below zero. */
  readonly id: string;
  readonly resourceUri: string;
  readonly dimension: string;
  /** Above zero: what is credited. */
  readonly quantity: Quantity;
  /** `2026-11`: when it was used. */
  readonly usageMonth: string;
  readonly reason: string;
}

export interface Credit extends ClaimedCredit, Billing {
  readonly grantedAt: Millis;
}

const claimFields = {
  id: name,
  resourceUri: name,
  dimension: name,
  quantity: z.string({ error: 'is not a decimal as text' }).transform((text, context) => {
    const quantity = parseQuantity(text);
    if (quantity !== null && quantity > 0n) return quantity;
    context.addIssue('is no decimal above zero');
    return z.NEVER;
  }),
  usageMonth: month,
  reason: name,
};

const claimSchema = z.strictObject(claimFields);

const storedSchema = z.strictObject({
  ...claimFields,
  registration: z.string(),
  tenantSubscription: z.string().nullable(),
  billedTo: z.string(),
  grantedAt: z.number().transform(millis),
});

/** Reads the body of a claim. The error says what is wrong. */
export const readClaim = (text: string): Result<ClaimedCredit, string> => {
  const json = readJson(text);
  if (!json.ok) return json;
  const claim = claimSchema.safeParse(json.value);
  return claim.success ? succeed(claim.data) : fail(z.prettifyError(claim.error));
};

const CREDITS = `!credit${SEPARATOR}`;
const AFTER_CREDITS = `!credit${AFTER_SEPARATOR}`;

const written = (credit: Credit): string =>
  JSON.stringify({ ...credit, quantity: formatQuantity(credit.quantity) });

const isSameClaim = (a: ClaimedCredit, b: ClaimedCredit): boolean =>
  a.resourceUri === b.resourceUri &&
  a.dimension === b.dimension &&
  a.quantity === b.quantity &&
  a.usageMonth === b.usageMonth &&
  a.reason === b.reason;

/** The credits that were granted, in the store and in memory. */
export class Credits {
  private readonly store: Store;
  private readonly credits: Map<string, Credit>;

  private constructor(store: Store, credits: Map<string, Credit>) {
    this.store = store;
    this.credits = credits;
  }

  static async load(store: Store): Promise<Credits> {
    const values = await store.db.values({ gte: CREDITS, lt: AFTER_CREDITS }).all();
    const credits = values.map((value) => storedSchema.parse(JSON.parse(value)));
    return new Credits(store, new Map(credits.map((credit) => [credit.id, credit])));
  }

  /** Grants a claim, once. Returns the credit that stands under its id; null if it is another one. */
  grant(credit: Credit): Promise<Credit | null> {
    return this.store.decide(async () => {
      const before = this.credits.get(credit.id);
      if (before) return isSameClaim(before, credit) ? before : null;
      await this.store.write([{ type: 'put', key: CREDITS + credit.id, value: written(credit) }]);
      this.credits.set(credit.id, credit);
      return credit;
    });
  }

  /** Those granted in a month, in the order in which they were granted. */
  of(month: Millis): readonly Credit[] {
    return [...this.credits.values()]
      .filter(({ grantedAt }) => monthOf(grantedAt) === month)
      .sort((a, b) => a.grantedAt - b.grantedAt || (a.id < b.id ? -1 : 1));
  }
}
