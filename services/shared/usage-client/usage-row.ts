import { isLosslessNumber, parse, stringify, type LosslessNumber } from 'lossless-json';
import { z } from 'zod';
import { parseQuantity, type Quantity } from '../model/decimal.ts';
import { fail, succeed, type Result } from '../model/result.ts';
import type { Millis } from '../model/time.ts';
import { timeSchema } from '../model/time-text.ts';

/** One row of the usage API: the usage of one hour or day, subscription, meter and resource. */
export interface UsageRow {
  readonly id: string;
  /** `{subscription}-{meter}`: not unique. */
  readonly name: string;
  readonly type: string;
  /** The user's subscription. */
  readonly subscriptionId: string;
  readonly meterId: string;
  /** The usage hour or day, inclusive. */
  readonly usageStart: Millis;
  /** Its end, exclusive. */
  readonly usageEnd: Millis;
  /**
   * The exact value of the decimal number in the answer. The API sends doubles, so this is the shortest
   * decimal that names the double which is nearest to the exact sum, and not always that sum.
   */
  readonly quantity: Quantity;
  readonly resourceUri: string;
  readonly location: string;
  /** As the API gave it: null, `""`, `"null"` and JSON all occur. An object is written as JSON. */
  readonly tags: string | null;
  /** As `tags`. */
  readonly additionalInfo: string | null;
  /** The text that has the last four, unchanged. */
  readonly instanceData: string;
}

/** One page of an answer. */
export interface UsagePage {
  readonly rows: readonly UsageRow[];
  /** The address of the next page, as the API wrote it; null on the last page. */
  readonly nextLink: string | null;
  readonly notes: PageNotes;
}

/** What the API's own headers say besides (docs/usage-api.md, "Answers"). Null where they are absent. */
export interface PageNotes {
  /** `complete`, `partly` or `not-covered`. */
  readonly coverage: string | null;
  /** The spans of reported time that no source covers. */
  readonly notCovered: string | null;
  /** Reported hours that were restated after they had closed. */
  readonly restatedHours: string | null;
}

const quantitySchema = z
  .custom<LosslessNumber>(isLosslessNumber, { message: 'is not a number' })
  .transform((number, context): Quantity => {
    const quantity = parseQuantity(number.value);
    if (quantity !== null) return quantity;
    context.addIssue(`${number.value} has more than 30 decimal places`);
    return z.NEVER;
  });

/** Azure's own documents show objects where the API has texts. */
const textOrJson = z
  .unknown()
  .transform((value): string | null =>
    value === undefined || value === null
      ? null
      : typeof value === 'string'
        ? value
        : (stringify(value) ?? null),
  );

const instanceSchema = z.object({
  'Microsoft.Resources': z.object({
    resourceUri: z.string(),
    location: z.string().nullish(),
    tags: textOrJson,
    additionalInfo: textOrJson,
  }),
});

const instanceData = z.string().transform((text, context) => {
  const json = parseJson(text);
  const parsed = json.ok ? instanceSchema.safeParse(json.value) : null;
  if (parsed?.success) {
    const { resourceUri, location, tags, additionalInfo } = parsed.data['Microsoft.Resources'];
    return { resourceUri, location: location ?? '', tags, additionalInfo, instanceData: text };
  }
  context.addIssue('is not the JSON of an instance');
  return z.NEVER;
});

const rowSchema = z
  .object({
    id: z.string(),
    name: z.string(),
    type: z.string(),
    properties: z.object({
      subscriptionId: z.string(),
      meterId: z.string(),
      usageStartTime: timeSchema,
      usageEndTime: timeSchema,
      quantity: quantitySchema,
      instanceData,
    }),
  })
  .transform(({ id, name, type, properties }): UsageRow => {
    const { subscriptionId, meterId, usageStartTime, usageEndTime, quantity } = properties;
    return {
      id,
      name,
      type,
      subscriptionId,
      meterId,
      usageStart: usageStartTime,
      usageEnd: usageEndTime,
      quantity,
      ...properties.instanceData,
    };
  });

const pageSchema = z
  .object({ value: z.array(rowSchema), nextLink: z.string().nullish() })
  .transform(({ value, nextLink }) => ({ rows: value, nextLink: nextLink || null }));

const errorSchema = z.object({ error: z.object({ code: z.string(), message: z.string() }) });

/** Reads the body of a page. The error says what is wrong with it. */
export const readPage = (body: string): Result<Omit<UsagePage, 'notes'>, string> => {
  const json = parseJson(body);
  if (!json.ok) return json;
  const page = pageSchema.safeParse(json.value);
  if (page.success) return succeed(page.data);
  const [issue] = page.error.issues;
  return fail(`${issue?.path.join('.') ?? ''}: ${issue?.message ?? ''}`);
};

/** The code and message of Azure's envelope; null if the body is something else. */
export const readError = (
  body: string,
): { readonly code: string; readonly message: string } | null => {
  const json = parseJson(body);
  const error = json.ok ? errorSchema.safeParse(json.value) : null;
  return error?.success ? error.data.error : null;
};

const parseJson = (text: string): Result<unknown, string> => {
  try {
    return succeed(parse(text));
  } catch {
    return fail('it is not JSON');
  }
};
