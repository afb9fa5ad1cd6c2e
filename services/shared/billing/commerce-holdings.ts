import { parse } from 'lossless-json';
import { z } from 'zod';
import { askSignedIn, type TokenSource } from '../commerce/token-source.ts';
import { causeText, UserError } from '../process/errors.ts';
import { isoText, type Hour } from '../model/time.ts';
import { parseTimeInUtc } from '../model/time-text.ts';

/** What Commerce says it has accepted for one resource, dimension and hour. */
export interface Holding {
  readonly hour: Hour;
  readonly resourceUri: string;
  readonly dimension: string;
  /** A double: compare it with `isSameDouble`. */
  readonly quantity: number;
}

/** Commerce's times are in UTC, with or without an offset (docs/azure.md, "Usage event"). */
const usageHour = z.string().transform((text, context): Hour => {
  const parsed = parseTimeInUtc(text);
  if (parsed.ok) return parsed.value.instant;
  context.addIssue(parsed.error);
  return z.NEVER;
});

const rowsSchema = z.array(
  z.object({
    usageDate: usageHour,
    usageResourceId: z.string(),
    dimension: z.string(),
    submittedQuantity: z.number(),
  }),
);

/**
 * Asks Commerce for everything that it has accepted since an hour (docs/azure.md, "Retrieving accepted
 * usage").
 * @throws UserError if it does not answer, or gives another answer
 */
export const readCommerceHoldings = async (
  { url, tokens }: { readonly url: string; readonly tokens: TokenSource },
  since: Hour = 0 as Hour,
): Promise<readonly Holding[]> => {
  const query = new URLSearchParams({
    'api-version': '2018-08-31',
    usageStartDate: isoText(since),
  });
  try {
    const asked = await askSignedIn(
      tokens,
      (token) =>
        fetch(`${url}/api/usageEvents?${query.toString()}`, {
          headers: token === null ? {} : { authorization: `Bearer ${token}` },
          signal: AbortSignal.timeout(60_000),
        }),
      ({ status }) => status,
    );
    if (!asked.ok) throw new Error(`nobody can sign in: ${asked.error.reason}`);
    const answer = asked.value;
    if (answer.status !== 200) throw new Error(`it answered ${String(answer.status)}`);
    return rowsSchema.parse(parse(await answer.text(), null, Number)).map((row) => ({
      hour: row.usageDate,
      resourceUri: row.usageResourceId,
      dimension: row.dimension,
      quantity: row.submittedQuantity,
    }));
  } catch (cause) {
    throw new UserError(
      `Commerce at ${url} does not tell what it has accepted (${causeText(cause)}): set COMMERCE_URL, and COMMERCE_TOKEN or COMMERCE_CLIENT_ID`,
      { cause },
    );
  }
};
