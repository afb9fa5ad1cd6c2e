import { createHash } from 'node:crypto';
import { z } from 'zod';
import { sourceName, type SourceId } from '../shared/model/source.ts';
import type { RestatedHour } from './restated-hour.ts';
import type { UsageApi } from './caller.ts';
import type { VisibleQuery } from './usage-query.ts';

/** What identifies a row of an answer, and orders its rows. */
export interface RowKey {
  /** The start of the usage hour or day, in seconds since 1970. */
  readonly usageStart: number;
  readonly subscriptionKey: string;
  readonly meterKey: string;
  readonly resourceKey: string;
}

/** What was asked, and by whom. */
export interface Asked {
  readonly api: UsageApi;
  /** The subscription in the path, which stands in each row. */
  readonly caller: string;
  readonly query: VisibleQuery;
}

/**
 * A digest of everything that an answer depends on, so that a token continues that answer and no other: the
 * caller and what the caller may see, the query, the sources that the answer was made from, and the
 * restated hours in its range. Rows of closed hours do not change in any other way. A history run that is
 * sealed between two pages would add rows.
 */
export const answerDigest = (
  { api, caller, query }: Asked,
  sources: readonly SourceId[],
  restated: readonly RestatedHour[],
): string =>
  createHash('sha256')
    .update(
      JSON.stringify([
        api,
        caller,
        query.visible,
        query.granularity,
        query.from,
        query.to,
        query.subscriberId,
        sources.map(sourceName).sort(),
        restated,
      ]),
    )
    .digest('base64url')
    .slice(0, 16);

const tokenSchema = z.tuple([
  z.literal(1),
  z.string(),
  z
    .int()
    .min(0)
    .max(2 ** 32 - 1),
  z.string(),
  z.string(),
  z.string(),
]);

/**
 * Binds the position of the next page to its answer, so that a token that was changed is not accepted.
 */
const sealOf = (digest: string, key: RowKey): string =>
  createHash('sha256')
    .update(
      JSON.stringify([digest, key.usageStart, key.subscriptionKey, key.meterKey, key.resourceKey]),
    )
    .digest('base64url')
    .slice(0, 16);

/** Writes where the next page begins: after the last row of this page. The token is opaque to callers. */
export const writeToken = (digest: string, last: RowKey): string => {
  const { usageStart, subscriptionKey, meterKey, resourceKey } = last;
  const fields = [1, sealOf(digest, last), usageStart, subscriptionKey, meterKey, resourceKey];
  return Buffer.from(JSON.stringify(fields)).toString('base64url');
};

/** Null if the text is not a token, belongs to another answer, or was changed. */
export const readToken = (token: string, digest: string): RowKey | null => {
  const bytes = Buffer.from(token, 'base64url');
  if (bytes.toString('base64url') !== token) return null; // Node ignores characters that are not base64url
  try {
    const [, seal, usageStart, subscriptionKey, meterKey, resourceKey] = tokenSchema.parse(
      JSON.parse(bytes.toString('utf8')),
    );
    const key = { usageStart, subscriptionKey, meterKey, resourceKey };
    return seal === sealOf(digest, key) ? key : null;
  } catch {
    return null;
  }
};
