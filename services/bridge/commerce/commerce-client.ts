import { messageOf } from '../../shared/process/errors.ts';
import { parseHttpDate } from '../../shared/http/http-date.ts';
import { retryAfterMillis } from '../../shared/http/retry-after.ts';
import { isoText, millis, type Millis } from '../../shared/model/time.ts';
import type { Pending } from '../ports.ts';
import {
  readBatchAnswer,
  readRefusal,
  readHoldings,
  HOLDS_NOTHING,
  type HeldQuantity,
  type ItemAnswer,
} from './read-answer.ts';
import { batchBody } from './usage-message.ts';
import { fail, succeed, type Result } from '../../shared/model/result.ts';

/** Why the effect of a request is unknown. The request is sent again. */
export interface Failure {
  readonly kind: 'failed';
  readonly reason: string;
  /** Milliseconds that Commerce asks the bridge to wait; null if it does not say. */
  readonly retryAfter: number | null;
  /**
   * - `away`: Commerce cannot be reached, is busy or broken
   * - `puzzled`: it gives an unexpected answer, perhaps because of something in the batch
   * - `settings`: somebody has to change a setting
   */
  readonly nature: 'away' | 'puzzled' | 'settings';
}

export type BatchAnswer =
  | {
      readonly kind: 'answered';
      readonly items: readonly ItemAnswer[];
      /** Commerce's clock; null if it does not say. */
      readonly date: Millis | null;
    }
  /** The entire request was refused (400). */
  | { readonly kind: 'refused'; readonly message: string }
  | Failure;

export type HoldingsAnswer = Result<readonly HeldQuantity[], Failure>;

export interface Commerce {
  submit(batch: readonly Pending[], signal: AbortSignal): Promise<BatchAnswer>;
  /** What Commerce holds for the resource, dimension and hour of each submission, in their order. */
  holdings(pending: readonly Pending[], signal: AbortSignal): Promise<HoldingsAnswer>;
}

export interface CommerceOptions {
  readonly url: string;
  readonly token: string | null;
  readonly requestMillis: number;
}

const API_VERSION = '2018-08-31';
/** Far more than the answer to one batch. For many submissions, holdings are requested in parts. */
const MAX_ANSWER_BYTES = 16 * 1024 * 1024;

interface Answer {
  readonly status: number;
  readonly headers: Headers;
  readonly body: string;
}

/** A client of Azure's metering service API, version 2018-08-31 (docs/azure.md, "Metering service"). */
export class CommerceClient implements Commerce {
  private readonly options: CommerceOptions;

  constructor(options: CommerceOptions) {
    this.options = options;
  }

  async submit(batch: readonly Pending[], signal: AbortSignal): Promise<BatchAnswer> {
    const answer = await this.request('POST', '/api/batchUsageEvent', {}, batchBody(batch), signal);
    if (!answer.ok) return answer.error === 'endless' ? ENDLESS : answer.error;
    const { status, body } = answer.value;
    if (status === 400) {
      const refusal = readRefusal(body);
      if (refusal?.isAboutUsage) return { kind: 'refused', message: refusal.message };
    }
    if (status !== 200) return this.failureOf(answer.value);
    const items = readBatchAnswer(body, batch);
    if (!items.ok) return puzzled(`Commerce answered 200, and ${items.error}`);
    return { kind: 'answered', items: items.value, date: dateOf(answer.value) };
  }

  async holdings(pending: readonly Pending[], signal: AbortSignal): Promise<HoldingsAnswer> {
    const held = new Map<Pending, HeldQuantity>();
    const failed = await this.lookUp(pending, 0, held, signal);
    if (failed) return fail(failed);
    return succeed(pending.map((each) => held.get(each) ?? HOLDS_NOTHING));
  }

  /** Sends one request for all submissions; if its answer is too large, several narrower ones. */
  private async lookUp(
    pending: readonly Pending[],
    narrowness: number,
    held: Map<Pending, HeldQuantity>,
    signal: AbortSignal,
  ): Promise<Failure | null> {
    const query = queryFor(pending);
    const answer = await this.request('GET', '/api/usageEvents', query, null, signal);
    if (!answer.ok) {
      const narrower = NARROWER[narrowness];
      if (answer.error !== 'endless') return answer.error;
      if (!narrower) return ENDLESS;
      for (const part of partsBy(narrower, pending)) {
        const failed = await this.lookUp(part, narrowness + 1, held, signal);
        if (failed) return failed;
      }
      return null;
    }
    const { status, body } = answer.value;
    if (status !== 200) return this.failureOf(answer.value);
    const found = readHoldings(body, pending);
    if (!found.ok) return puzzled(`Commerce answered 200, and ${found.error}`);
    for (const [index, each] of pending.entries()) {
      held.set(each, found.value[index] ?? HOLDS_NOTHING);
    }
    return null;
  }

  private async request(
    method: 'GET' | 'POST',
    path: string,
    query: Readonly<Record<string, string>>,
    body: string | null,
    signal: AbortSignal,
  ): Promise<Result<Answer, Failure | 'endless'>> {
    const { url, token, requestMillis } = this.options;
    const parameters = new URLSearchParams({ 'api-version': API_VERSION, ...query });
    try {
      const response = await fetch(`${url}${path}?${parameters.toString()}`, {
        method,
        body,
        redirect: 'manual',
        headers: {
          ...(body !== null && { 'content-type': 'application/json' }),
          ...(token !== null && { authorization: `Bearer ${token}` }),
        },
        signal: AbortSignal.any([signal, AbortSignal.timeout(requestMillis)]),
      });
      const text = await readText(response);
      if (text === null) return fail('endless');
      return succeed({ status: response.status, headers: response.headers, body: text });
    } catch (error) {
      const { cause } = error as { readonly cause?: unknown };
      const why = cause === undefined ? messageOf(error) : messageOf(cause);
      return fail(failure('away', `Commerce at ${url} does not answer (${why})`));
    }
  }

  private failureOf({ status, headers, body }: Answer): Failure {
    const { url } = this.options;
    const said = body.slice(0, 200).replace(/\s+/g, ' ');
    const answered = `Commerce at ${url} answered ${String(status)}`;
    if (status === 401 || status === 403) {
      return failure(
        'settings',
        `${answered}: it refuses the bridge's credentials, set COMMERCE_TOKEN`,
      );
    }
    if (status === 429 || status >= 500) {
      return failure(
        status === 500 ? 'puzzled' : 'away',
        answered,
        retryAfterMillis(headers.get('retry-after'), Date.now()),
      );
    }
    return failure('settings', `${answered} (${said}): set COMMERCE_URL to a metering API`);
  }
}

const failure = (
  nature: Failure['nature'],
  reason: string,
  retryAfter: number | null = null,
): Failure => ({ kind: 'failed', reason, retryAfter, nature });

const puzzled = (reason: string): Failure => failure('puzzled', reason);

const ENDLESS = puzzled('Commerce gave an answer that is too large');

/** How a request is split, step by step, when its answer would be too large. */
const NARROWER: readonly ((pending: Pending) => string)[] = [
  ({ hour }) => isoText(hour),
  ({ submission }) => submission.dimension,
  ({ submission }) => submission.resourceUri,
];

const partsBy = (
  keyOf: (pending: Pending) => string,
  pending: readonly Pending[],
): readonly (readonly Pending[])[] => {
  const parts = new Map<string, Pending[]>();
  for (const each of pending) {
    const key = keyOf(each);
    const part = parts.get(key);
    if (part) part.push(each);
    else parts.set(key, [each]);
  }
  return [...parts.values()];
};

/** Asks for the hours of submissions, and for the dimension or resource if all of them share it. */
const queryFor = (pending: readonly Pending[]): Readonly<Record<string, string>> => {
  const hours = pending.map(({ hour }) => hour);
  const shared = (name: string, valueOf: (pending: Pending) => string): Record<string, string> => {
    const values = new Set(pending.map(valueOf));
    const [value] = values;
    return values.size === 1 && value !== undefined ? { [name]: value } : {};
  };
  return {
    usageStartDate: isoText(millis(Math.min(...hours))),
    UsageEndDate: isoText(millis(Math.max(...hours))),
    ...shared('dimension', ({ submission }) => submission.dimension),
    ...shared('usageResourceId', ({ submission }) => submission.resourceUri),
  };
};

/** Null if the body is larger than any answer may be. */
const readText = async (response: Response): Promise<string | null> => {
  if (response.body === null) return '';
  const chunks: Uint8Array[] = [];
  let size = 0;
  for await (const chunk of response.body as unknown as AsyncIterable<Uint8Array>) {
    size += chunk.length;
    if (size > MAX_ANSWER_BYTES) return null;
    chunks.push(chunk);
  }
  return Buffer.concat(chunks).toString('utf8');
};

const dateOf = ({ headers }: Answer): Millis | null => parseHttpDate(headers.get('date') ?? '');
