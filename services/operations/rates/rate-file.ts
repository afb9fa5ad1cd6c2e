import { readFile } from 'node:fs/promises';
import { z } from 'zod';
import { asciiLower } from '../../shared/model/placement.ts';
import { parseTime } from '../../shared/model/time-text.ts';
import { messageOf, UserError } from '../../shared/process/errors.ts';
import { PRICE_SCALE, type RateBook } from './rate-book.ts';

const PRICE = /^(\d{1,11})(?:\.(\d{1,10}))?$/;

/** Exact, in units of 10^-10; null if the text is no price. */
export const parsePrice = (text: string): bigint | null => {
  const [, whole, fraction = ''] = PRICE.exec(text) ?? [];
  return whole === undefined ? null : BigInt(whole + fraction.padEnd(PRICE_SCALE, '0'));
};

const price = z
  .string({ error: 'must be a decimal as text, such as "0.008": a JSON number is not exact' })
  .transform((text, context) => {
    const parsed = parsePrice(text);
    if (parsed !== null) return parsed;
    context.addIssue({
      code: 'custom',
      message: 'must be a decimal from 0 to below 10^11 with at most ten places, such as "0.008"',
    });
    return z.NEVER;
  });

const day = z.string().transform((text, context) => {
  const parsed = /^\d{4}-\d\d-\d\d$/.test(text) ? parseTime(`${text}T00:00:00Z`) : null;
  if (parsed?.ok === true && parsed.value.instant >= 0) return parsed.value.instant;
  context.addIssue({ code: 'custom', message: 'must be a day from 1970 on, such as "2026-02-01"' });
  return z.NEVER;
});

const rate = z
  .strictObject({
    meter: z.string().min(1),
    subscription: z.string().min(1).optional(),
    from: day,
    price: price.nullable(),
  })
  .transform(({ meter, subscription, ...others }) => ({
    meterKey: asciiLower(meter),
    subscriptionKey: subscription === undefined ? null : asciiLower(subscription),
    ...others,
  }));

const rateFile = z.strictObject({
  currency: z.string().regex(/^[A-Z]{3}$/, { error: 'must be a currency code, such as "EUR"' }),
  provider: z.string().min(1),
  billingAccountId: z.string().min(1),
  billingAccountName: z.string().min(1),
  rates: z
    .array(rate)
    // The stored prices would stay, since a load with no rows writes nothing.
    .min(1, { error: 'must hold at least one rate: an empty list changes no price' })
    .refine(
      (rates) =>
        new Set(
          rates.map(({ meterKey, subscriptionKey, from }) =>
            JSON.stringify([meterKey, subscriptionKey, from]),
          ),
        ).size === rates.length,
      { message: 'a meter has two rates from the same day on, for the same subscription' },
    ),
});

/** @throws UserError that names every problem */
export const parseRates = (name: string, text: string): RateBook => {
  try {
    return rateFile.parse(JSON.parse(text));
  } catch (cause) {
    const problem = cause instanceof z.ZodError ? z.prettifyError(cause) : messageOf(cause);
    throw new UserError(
      `The rate file ${name} cannot be used (samples/rates.json shows the form): ${problem}`,
      { cause },
    );
  }
};

/** @throws UserError if the file cannot be read or is no rate file */
export const readRates = async (path: string): Promise<RateBook> => {
  let text: string;
  try {
    text = await readFile(path, 'utf8');
  } catch (cause) {
    throw new UserError(`The rate file ${path} cannot be read: ${messageOf(cause)}`, { cause });
  }
  return parseRates(path, text);
};
