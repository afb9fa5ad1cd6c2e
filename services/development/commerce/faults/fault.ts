import { z } from 'zod';
import { fail, succeed, type Result } from '../../../shared/model/result.ts';
import { REFUSED_STATUSES } from '../event-check.ts';
import { DAY_MILLIS } from '../../../shared/model/time.ts';
import { readJson } from '../read-json.ts';

/**
 * Misbehaviour on demand, for tests of this service's callers. It is not part of Azure's API, and its routes
 * exist only with COMMERCE_FAULTS=on (docs/commerce.md, "Faults"). Each request that is authorized and
 * well-formed uses up one fault, in the order in which faults were requested.
 *
 * | kind            | what the caller sees                                                  | carried out |
 * |-----------------|-----------------------------------------------------------------------|-------------|
 * | `status`        | 429, 500, 502, 503 or 504, with `Retry-After` if it is given          | if `stored` |
 * | `slow`          | the right answer, `millis` late                                       | before the wait if `stored`, else after it |
 * | `hang`          | no answer until it gives up                                           | if `stored` |
 * | `close`         | the connection ends                                                   | if `stored` |
 * | `reset`         | the connection is reset (TCP RST)                                     | if `stored` |
 * | `half`          | the head and half of the right answer, then the connection is reset   | always      |
 * | `garbage`       | 200 with broken JSON                                                  | if `stored` |
 * | `expired-token` | 401 or 403, and the token that it sent is refused from then on        | never       |
 * | `refuse`        | this status for all events of a POST, or for the given ones only      | the others  |
 * | `skew`          | Commerce's clock is wrong by `offsetMillis`                           | always      |
 */
const every = {
  /** How many requests. */
  count: z.int().min(1).max(1_000_000).default(1),
  /** Only requests of this method. */
  method: z.enum(['GET', 'POST', 'PUT', 'DELETE']).optional(),
  /** Which requests: those to `/api`, for tokens, about customers or for usage aggregates. */
  on: z.enum(['metering', 'token', 'customers', 'usage']).default('metering'),
};

const stored = z.boolean().default(false);

const faultSchema = z.discriminatedUnion('kind', [
  z.strictObject({
    ...every,
    kind: z.literal('status'),
    status: z.union([
      z.literal(429),
      z.literal(500),
      z.literal(502),
      z.literal(503),
      z.literal(504),
    ]),
    stored,
    /** Seconds for a `Retry-After` header; Azure documents none. */
    retryAfter: z.int().nonnegative().optional(),
  }),
  z.strictObject({
    ...every,
    kind: z.literal('slow'),
    millis: z.int().min(1).max(600_000),
    stored,
  }),
  z.strictObject({ ...every, kind: z.enum(['hang', 'garbage', 'close', 'reset']), stored }),
  z.strictObject({ ...every, kind: z.literal('half') }),
  z.strictObject({
    ...every,
    kind: z.literal('expired-token'),
    status: z.union([z.literal(401), z.literal(403)]).default(403),
  }),
  z.strictObject({
    ...every,
    kind: z.literal('refuse'),
    status: z.enum(REFUSED_STATUSES),
    /** The places of the events that are refused; all if it is missing. */
    items: z.array(z.int().min(0).max(24)).min(1).optional(),
  }),
  z.strictObject({
    ...every,
    kind: z.literal('skew'),
    offsetMillis: z
      .int()
      .min(-7 * DAY_MILLIS)
      .max(7 * DAY_MILLIS),
  }),
]);

export type Fault = z.output<typeof faultSchema>;
export type FaultArea = Fault['on'];

/** The kinds of fault that a mix draws from: none needs anybody to mend something, or a time-out to end. */
export const MIXED_KINDS = [
  '429',
  '429-retry-after',
  '500',
  '503',
  'slow',
  'reset-before',
  'reset-after',
  'half',
  'garbage',
  'expired-token',
  'item-error',
  'skew',
] as const;

/** Clocks of a mix are wrong by up to this, either way, unless it says otherwise: so little that a bridge allows for it. */
export const MIX_SKEW_MILLIS = 120_000;

export type MixedKind = (typeof MIXED_KINDS)[number];

const mixSchema = z.strictObject({
  kind: z.literal('mix'),
  seed: z.string().min(1),
  /** The share of requests that meet a fault. */
  share: z.number().min(0).max(1).default(0.3),
  /** How many requests, with a fault or without; without end if it is missing. */
  count: z.int().min(1).max(1_000_000).optional(),
  kinds: z
    .array(z.enum(MIXED_KINDS))
    .min(1)
    .default([...MIXED_KINDS]),
  /** Commerce's clock is wrong by up to this, either way. */
  maxSkewMillis: z
    .int()
    .min(0)
    .max(7 * DAY_MILLIS)
    .default(MIX_SKEW_MILLIS),
});

/** Faults that follow from a seed: the same seed gives the same ones, in the same order. */
export type Mix = z.output<typeof mixSchema>;

export const readFault = (text: string): Result<Fault | Mix, string> => {
  const json = readJson(text);
  if (!json.ok) return json;
  const isMix = (json.value as { readonly kind?: unknown } | null)?.kind === 'mix';
  const result = (isMix ? mixSchema : faultSchema).safeParse(json.value);
  return result.success ? succeed(result.data) : fail(z.prettifyError(result.error));
};
