import { v4 as randomUuid } from 'uuid';
import { askSignedIn, type TokenSource } from '../../shared/commerce/token-source.ts';
import { retryAfterMillis } from '../../shared/http/retry-after.ts';
import { fail, succeed, type Result } from '../../shared/model/result.ts';
import { causeText } from '../../shared/process/errors.ts';
import { failure, type Failure } from './failure.ts';
import type { MadeRequest } from './made-request.ts';
import type { Operation } from './gate.ts';
import { handlingOfAnswer, handlingOfNoAnswer } from './handling.ts';

export interface CommerceOptions {
  readonly url: string;
  readonly tokens: TokenSource;
  readonly requestMillis: number;
  /** Whether `additionalInfo` is sent with each submission. */
  readonly additionalInfo: boolean;
}

export interface Asking {
  readonly operation: Operation;
  readonly method: 'GET' | 'POST';
  readonly path: string;
  readonly query: Readonly<Record<string, string>>;
  readonly body: string | null;
  readonly correlationId: string;
}

/** An answer, or why there is none, with the request. */
export interface Exchange {
  readonly made: MadeRequest;
  readonly answer: Result<Answer, Failure | 'endless'>;
}

export interface Answer {
  readonly status: number;
  readonly headers: Headers;
  readonly body: string;
}

const API_VERSION = '2018-08-31';
/** Far more than the answer to one batch. For many submissions, holdings are requested in parts. */
const MAX_ANSWER_BYTES = 16 * 1024 * 1024;
const MAX_SAID = 200;

/**
 * Makes a request to Commerce, signed in. Each try has its own request id; `seen` is called for a try that was
 * refused and made again with a new token. Fails without a request if there is no token.
 */
export const exchange = async (
  asking: Asking,
  options: CommerceOptions,
  signal: AbortSignal,
  seen: (made: MadeRequest) => void,
): Promise<Result<Exchange, Failure>> => {
  const tries: Exchange[] = [];
  const asked = await askSignedIn(
    options.tokens,
    async (token) => {
      tries.map(({ made }) => made).forEach(seen);
      const made = await tryOnce(asking, token, options, signal);
      tries.push(made);
      return made;
    },
    ({ made }) => made.httpStatus,
  );
  if (asked.ok) return asked;
  tries.map(({ made }) => made).forEach(seen);
  const { handling, reason, retryAfter } = asked.error;
  return fail(failure(handling, `Nobody can sign in to Commerce: ${reason}`, retryAfter));
};

const tryOnce = async (
  { operation, method, path, query, body, correlationId }: Asking,
  token: string | null,
  { url, requestMillis }: CommerceOptions,
  signal: AbortSignal,
): Promise<Exchange> => {
  const parameters = new URLSearchParams({ 'api-version': API_VERSION, ...query });
  const requestId = randomUuid();
  const begun = { requestId, correlationId, operation, sentAt: Date.now() };
  try {
    const response = await fetch(`${url}${path}?${parameters.toString()}`, {
      method,
      body,
      redirect: 'manual',
      headers: {
        'x-ms-requestid': requestId,
        'x-ms-correlationid': correlationId,
        ...(body !== null && { 'content-type': 'application/json' }),
        ...(token !== null && { authorization: `Bearer ${token}` }),
      },
      signal: AbortSignal.any([signal, AbortSignal.timeout(requestMillis)]),
    });
    const { status, headers } = response;
    const text = await readText(response);
    const made: MadeRequest = {
      ...begun,
      answeredAt: Date.now(),
      httpStatus: status,
      handling: handlingOfAnswer(status),
      message: '',
      commerceRequestId: (headers.get('x-ms-requestid') ?? '').slice(0, MAX_SAID),
    };
    return {
      made,
      answer: text === null ? fail('endless') : succeed({ status, headers, body: text }),
    };
  } catch (error) {
    const reason = `Commerce at ${url} does not answer (${causeText(error)})`;
    const handling = handlingOfNoAnswer(codeOf(error));
    return {
      made: {
        ...begun,
        answeredAt: Date.now(),
        httpStatus: 0,
        handling,
        message: reason,
        commerceRequestId: '',
      },
      answer: fail(failure(handling, reason)),
    };
  }
};

/** The failure that an answer is by its status alone. */
export const failureOf = ({ status, headers, body }: Answer, url: string): Failure => {
  const answered = `Commerce at ${url} answered ${String(status)}`;
  const handling = handlingOfAnswer(status);
  if (handling === 'renew-token') {
    return failure(
      'ask-a-person',
      `${answered}: it refuses the bridge's credentials, set COMMERCE_TOKEN or COMMERCE_CLIENT_ID`,
    );
  }
  if (handling === 'wait' || handling === 'retry' || handling === 'compare') {
    const retryAfter = retryAfterMillis(headers.get('retry-after'), Date.now());
    return failure(handling === 'wait' ? 'wait' : 'retry', answered, retryAfter);
  }
  const said = body.slice(0, MAX_SAID).replace(/\s+/g, ' ');
  return failure('ask-a-person', `${answered} (${said}): set COMMERCE_URL to a metering API`);
};

const codeOf = (error: unknown): string => {
  const { cause } = error as { readonly cause?: { readonly code?: unknown } };
  return typeof cause?.code === 'string' ? cause.code : '';
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
