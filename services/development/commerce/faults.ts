import { z } from 'zod';
import { REFUSED_STATUSES } from './event-check.ts';
import { fail, succeed, type Result } from '../../shared/model/result.ts';

/**
 * Misbehaviour on demand, for tests of this service's callers. It is not part of Azure's API, and its
 * routes exist only with COMMERCE_FAULTS=on:
 *
 *     POST   /faults  {"kind": "close", "stored": true, "count": 2}   the next two requests
 *     GET    /faults                                                  what is still to come
 *     DELETE /faults                                                  behave again
 *
 * Each request to /api that is authorized and well-formed uses up one fault, in the order in which faults
 * were requested.
 */
const every = {
  /** How many requests. */
  count: z.int().min(1).max(1_000_000).default(1),
  /** Only requests of this method. */
  method: z.enum(['GET', 'POST']).optional(),
};

const faultSchema = z.discriminatedUnion('kind', [
  /** An HTTP error, with `stored` although the request was carried out. */
  z.strictObject({
    ...every,
    kind: z.literal('status'),
    status: z.union([z.literal(429), z.literal(500), z.literal(503)]),
    stored: z.boolean().default(false),
    /** Seconds for a `Retry-After` header; Azure documents none. */
    retryAfter: z.int().nonnegative().optional(),
  }),
  /** `hang`: no answer; `garbage`: 200 with broken JSON; `close`: the connection breaks. */
  z.strictObject({
    ...every,
    kind: z.enum(['hang', 'garbage', 'close']),
    stored: z.boolean().default(false),
  }),
  /** Every event of a POST is refused with this status. */
  z.strictObject({
    ...every,
    kind: z.literal('refuse'),
    status: z.enum(REFUSED_STATUSES),
  }),
]);

export type Fault = z.output<typeof faultSchema>;

export const readFault = (text: string): Result<Fault, string> => {
  let json: unknown;
  try {
    json = JSON.parse(text);
  } catch {
    return fail('The body is not JSON.');
  }
  const result = faultSchema.safeParse(json);
  return result.success ? succeed(result.data) : fail(z.prettifyError(result.error));
};

export class FaultQueue {
  private waiting: readonly Fault[] = [];

  add(fault: Fault): void {
    this.waiting = [...this.waiting, fault];
  }

  clear(): void {
    this.waiting = [];
  }

  pending(): readonly Fault[] {
    return this.waiting;
  }

  /** Takes the fault that the next request of this method meets; null if none. */
  take(method: string): Fault | null {
    const index = this.waiting.findIndex(
      (fault) =>
        (fault.method ?? method) === method && (fault.kind !== 'refuse' || method === 'POST'),
    );
    const fault = this.waiting[index];
    if (fault === undefined) return null;
    const rest = fault.count > 1 ? [{ ...fault, count: fault.count - 1 }] : [];
    this.waiting = [...this.waiting.slice(0, index), ...rest, ...this.waiting.slice(index + 1)];
    return fault;
  }
}
