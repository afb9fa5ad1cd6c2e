import { z } from 'zod';
import {
  addQuantities,
  parseQuantity,
  quantityToNumber,
  ZERO,
  type Quantity,
} from '../../shared/model/decimal.ts';
import type { Hour } from '../../shared/model/time.ts';
import { MONTH, usageMonthOf } from '../../shared/model/usage-months.ts';
import { fail, succeed, type Result } from '../../shared/model/result.ts';

/** The longest text a field may have; the pipeline's own resource URIs end at 1,024 bytes. */
const MAX_TEXT = 1024;

/** Control characters and halves of surrogate pairs: no name has them, and keys could not hold them. */
const UNFIT = /[\p{Cc}\p{Cs}]/u;

export const isName = (value: unknown): value is string =>
  typeof value === 'string' && value !== '' && value.length <= MAX_TEXT && !UNFIT.test(value);

/** A text that names something. */
export const name = z.string().refine(isName, { error: 'is not a valid text' });

export const month = z.string().regex(MONTH, { error: 'is no month, such as 2026-10' });

const decimal = z
  .string({ error: 'is not a decimal as text' })
  .refine((text) => parseQuantity(text) !== null, { error: 'is no quantity' });

/**
 * What a stamp says of usage beyond the documented fields, under the keys by which Azure shows a stamp's usage
 * (docs/azure.md, "How Azure shows a stamp's usage"). `usageMonths` is ours: the quantity by month of usage,
 * where it was not all used in the month of `effectiveStartTime`.
 */
export const additionalInfoSchema = z.strictObject({
  'azureStack.SubscriptionId': name.optional(),
  'azureStack.MeterId': name.optional(),
  'azureStack.Location': name.optional(),
  'azureStack.EventDateTime': z
    .string()
    .regex(/^\d\d\/\d\d\/\d{4} \d\d:\d\d:\d\d$/, {
      error: 'is no time, such as 11/27/2026 16:00:00',
    })
    .optional(),
  usageMonths: z
    .array(z.strictObject({ month, quantity: decimal }))
    .min(1, { error: 'is empty' })
    .optional(),
});

export type AdditionalInfo = z.output<typeof additionalInfoSchema>;

/** Null if there is none. The error follows the name of the field in a sentence. */
export const readAdditionalInfo = (
  input: unknown,
  quantity: number,
  hour: Hour,
): Result<AdditionalInfo | null, string> => {
  if (input === undefined || input === null) return succeed(null);
  const parsed = additionalInfoSchema.safeParse(input);
  if (!parsed.success) {
    const [issue] = parsed.error.issues;
    return fail(`is not valid: ${issue?.path.join('.') ?? ''} ${issue?.message ?? ''}`);
  }
  const months = parsed.data.usageMonths ?? [];
  const names = months.map(({ month: each }) => each);
  if (new Set(names).size !== names.length)
    return fail('is not valid: usageMonths has a month twice');
  if (names.some((each) => each > usageMonthOf(hour))) {
    return fail('is not valid: usageMonths has a month after effectiveStartTime');
  }
  return months.length === 0 || quantityToNumber(sumOf(months)) === quantity
    ? succeed(parsed.data)
    : fail('is not valid: the quantities of usageMonths do not add up to the quantity');
};

const sumOf = (months: readonly { readonly quantity: string }[]): Quantity =>
  months.reduce((sum, { quantity }) => addQuantities(sum, parseQuantity(quantity) ?? ZERO), ZERO);
