import { createHash } from 'node:crypto';
import { z } from 'zod';
import { sourceName, type SourceId } from '../shared/model/source.ts';
import type { RestatedHour } from './restated-hour.ts';
import type { UsageQuery } from './usage-query.ts';

/** What identifies a row of an answer, and the order of its rows. */
export interface RowKey {
  /** Start of the usage hour or day, in seconds since 1970. */
  readonly usageStart: number;
  readonly subscriptionKey: string;
  readonly meterKey: string;
  readonly resourceKey: string;
}

/**
 * What an answer depends on, so that a token continues that answer and no other one: the query, the
 * sources it was made from, and which of its hours were restated. Rows of closed hours never change
 * otherwise; a history run that is sealed between two pages would add some.
 */
export const answerDigest = (
  query: UsageQuery,
  sources: readonly SourceId[],
  restated: readonly RestatedHour[],
): string =>
  createHash('sha256')
    .update(
      JSON.stringify([
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

/** Ties where the next page begins to its answer: a token that was changed on its way is none. */
const sealOf = (digest: string, key: RowKey): string =>
  createHash('sha256')
    .update(
      JSON.stringify([digest, key.usageStart, key.subscriptionKey, key.meterKey, key.resourceKey]),
    )
    .digest('base64url')
    .slice(0, 16);

/** Opaque to callers: where the next page begins, after the last row of this one. */
export const writeToken = (digest: string, last: RowKey): string => {
  const { usageStart, subscriptionKey, meterKey, resourceKey } = last;
  const fields = [1, sealOf(digest, last), usageStart, subscriptionKey, meterKey, resourceKey];
  return Buffer.from(JSON.stringify(fields)).toString('base64url');
};

/** Null where it is no token, one of another answer, or one that was changed. */
export const readToken = (token: string, digest: string): RowKey | null => {
  const bytes = Buffer.from(token, 'base64url');
  if (bytes.toString('base64url') !== token) return null; // Node passes over what is no letter of it
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
