import { createHash, createHmac, timingSafeEqual } from 'node:crypto';
import { z } from 'zod';
import type { Keyring } from '../shared/model/control-record.ts';
import { fail, succeed, type Result } from '../shared/model/result.ts';
import { sourceName, type SourceId } from '../shared/model/source.ts';
import type { UsageApi } from './caller.ts';
import type { RestatedHour } from '../shared/sources/restated-hours.ts';
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

/** What an answer depends on. A token continues the answer of these digests and no other. */
export interface AnswerDigest {
  /** The query and its caller. */
  readonly asked: string;
  /**
   * What the caller may see, the sources that the answer was made from, and the restated hours in its range. The answer does not change in
   * any other way. A history run that is sealed between two pages would add rows.
   */
  readonly rows: string;
}

const digestOf = (value: unknown): string =>
  createHash('sha256').update(JSON.stringify(value)).digest('base64url').slice(0, 16);

export const answerDigest = (
  { api, caller, query }: Asked,
  sources: readonly SourceId[],
  restated: readonly RestatedHour[],
): AnswerDigest => {
  const { granularity, from, to, subscriberId, visible } = query;
  return {
    asked: digestOf([api, caller, granularity, from, to, subscriberId]),
    rows: digestOf([visible, sources.map(sourceName).sort(), restated]),
  };
};

/** Why a token is refused. */
export type TokenProblem =
  /** It is not one of ours, or was changed. */
  | 'not-ours'
  /** It continues the answer to another query or caller. */
  | 'foreign'
  /** The rows of its answer have changed since. */
  | 'stale';

const text = z.string();

const tokenSchema = z.tuple([
  z.literal(2),
  z.object({ asked: text, rows: text }),
  z.tuple([
    z
      .int()
      .min(0)
      .max(2 ** 32 - 1),
    text,
    text,
    text,
  ]),
  text,
]);

const signatureOf = (secret: Buffer, signed: unknown): string =>
  createHmac('sha256', secret)
    .update('continuation token\n')
    .update(JSON.stringify(signed))
    .digest('base64url');

/**
 * Writes where the next page begins: after the last row of this page. The token is opaque to callers, and
 * signed with the first key, so that a token that was changed is not accepted.
 */
export const writeToken = (
  { asked, rows }: AnswerDigest,
  { usageStart, subscriptionKey, meterKey, resourceKey }: RowKey,
  [{ secret }]: Keyring,
): string => {
  const signed = [2, { asked, rows }, [usageStart, subscriptionKey, meterKey, resourceKey]];
  const token = JSON.stringify([...signed, signatureOf(secret, signed)]);
  return Buffer.from(token).toString('base64url');
};

/** @param keys any of them may have signed */
export const readToken = (
  token: string,
  digest: AnswerDigest,
  keys: Keyring,
): Result<RowKey, TokenProblem> => {
  const fields = parseToken(token);
  if (fields === null) return fail('not-ours');
  const [version, given, key, signature] = fields;
  const signed = [version, { asked: given.asked, rows: given.rows }, key];
  if (!keys.some(({ secret }) => isSame(signature, signatureOf(secret, signed)))) {
    return fail('not-ours');
  }
  if (given.asked !== digest.asked) return fail('foreign');
  if (given.rows !== digest.rows) return fail('stale');
  const [usageStart, subscriptionKey, meterKey, resourceKey] = key;
  return succeed({ usageStart, subscriptionKey, meterKey, resourceKey });
};

const parseToken = (token: string): z.output<typeof tokenSchema> | null => {
  const bytes = Buffer.from(token, 'base64url');
  if (bytes.toString('base64url') !== token) return null; // Node ignores characters that are not base64url
  try {
    return tokenSchema.safeParse(JSON.parse(bytes.toString('utf8'))).data ?? null;
  } catch {
    return null; // not JSON
  }
};

/** Lengths are compared in bytes: a forged signature may have letters of several. */
const isSame = (given: string, right: string): boolean => {
  const [a, b] = [Buffer.from(given), Buffer.from(right)];
  return a.length === b.length && timingSafeEqual(a, b);
};
