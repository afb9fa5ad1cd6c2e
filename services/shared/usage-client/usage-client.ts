import { setTimeout as delay } from 'node:timers/promises';
import { leadsToLoopback } from '../http/host-name.ts';
import { retryAfterMillis } from '../http/retry-after.ts';
import { fail, succeed, type Result } from '../model/result.ts';
import { HttpGet, type HttpAnswer, type NoAnswer } from './http-get.ts';
import { clientFailure, UsageError, type UsageFailure } from './usage-failure.ts';
import { pathOf, type UsageRequest } from './usage-request.ts';
import { readError, readPage, type PageNotes, type UsagePage, type UsageRow } from './usage-row.ts';

/** How the API is reached. */
export interface UsageEndpoint {
  /** `https://management.local.example:8443`; a path is kept. */
  readonly url: string;
  /** Bearer token; null for none. It goes to this address alone, and over plain HTTP only on loopback. */
  readonly token: string | null;
  /** Certificates in PEM that are trusted instead of the system's; null for those of the system. */
  readonly ca: string | null;
}

/** The client waits before it asks again. */
export interface UsageWait {
  /** What the API answered, such as 202 `ProcessingNotComplete`. */
  readonly failure: UsageFailure;
  readonly waitMillis: number;
}

export interface UsageClientOptions {
  /** How long to wait for one page in all: for hours that are not complete, and for a busy API. */
  readonly patienceMillis: number;
  readonly onWait?: (wait: UsageWait) => void;
  readonly signal?: AbortSignal;
  /** For tests. */
  readonly now?: () => number;
  readonly sleep?: (millis: number, signal: AbortSignal) => Promise<void>;
}

/** A page takes at most this long. ARM's gateway gives up after 60 seconds. */
const REQUEST_MILLIS = 90_000;

/** Answers after which the same request may succeed. */
const RETRIED: ReadonlySet<number> = new Set([202, 429, 502, 503, 504]);

/** What happens to connections of a server that restarts, or is busy. */
const BROKEN: ReadonlySet<string> = new Set(['ECONNRESET', 'EPIPE', 'ETIMEDOUT']);

/** Where the API does not say how long to wait: 1 s, then twice as long each time. */
const FIRST_PAUSE = 1_000;
const LONGEST_PAUSE = 30_000;

type Asked = Result<UsagePage, UsageFailure & { readonly retryAfter?: number | null }>;

/**
 * The pages of an answer, in order; the last item is a failure if there is one. 202, 429, 502, 503, 504 and
 * broken connections are waited out. Each `nextLink` is followed exactly as it stands.
 * @throws the reason of the signal, if it is aborted
 */
export async function* usagePages(
  endpoint: UsageEndpoint,
  request: UsageRequest,
  options: UsageClientOptions,
): AsyncGenerator<Result<UsagePage, UsageFailure>, void> {
  const base = baseOf(endpoint);
  if (!base.ok) {
    yield base;
    return;
  }
  const { origin, prefix } = base.value;
  const http = new HttpGet(origin, endpoint.ca);
  try {
    let path: string | null = `${prefix}${pathOf(request)}`;
    for (let first = true; path !== null; first = false) {
      const page = await askPatiently(http, endpoint, { path, first }, options);
      if (!page.ok) {
        yield page;
        return;
      }
      const next = nextPath(page.value, path, origin);
      yield page;
      if (!next.ok) yield next;
      path = next.ok ? next.value : null;
    }
  } finally {
    http.close();
  }
}

/**
 * The rows of an answer, in order.
 * @throws UsageError with the failure that ended it
 */
export async function* usageRows(
  endpoint: UsageEndpoint,
  request: UsageRequest,
  options: UsageClientOptions,
): AsyncGenerator<UsageRow, void> {
  for await (const page of usagePages(endpoint, request, options)) {
    if (!page.ok) throw new UsageError(page.error);
    yield* page.value.rows;
  }
}

const baseOf = ({
  url,
  token,
}: UsageEndpoint): Result<{ readonly origin: URL; readonly prefix: string }, UsageFailure> => {
  if (!/^https?:\/\//i.test(url) || !URL.canParse(url)) {
    return fail(clientFailure('Unreachable', `"${url}" is not an http or https address.`));
  }
  const origin = new URL(url);
  if (token !== null && origin.protocol === 'http:' && !leadsToLoopback(origin)) {
    return fail(
      clientFailure(
        'TokenOverPlainHttp',
        `The token is not sent to ${origin.origin}, because everyone on the way could read it: use https.`,
      ),
    );
  }
  return succeed({ origin, prefix: origin.pathname.replace(/\/+$/, '') });
};

interface Step {
  readonly path: string;
  /** Whether nothing has been answered yet: an address that is wrong is not waited for. */
  readonly first: boolean;
}

/** Asks for a page until it comes, or waiting longer would exceed the patience. */
const askPatiently = async (
  http: HttpGet,
  endpoint: UsageEndpoint,
  step: Step,
  options: UsageClientOptions,
): Promise<Result<UsagePage, UsageFailure>> => {
  const { now = Date.now, sleep = sleepFor, signal = new AbortController().signal } = options;
  const end = now() + options.patienceMillis;
  for (let pause = FIRST_PAUSE; ; pause = Math.min(pause * 2, LONGEST_PAUSE)) {
    const asked = await ask(http, endpoint, step, signal, now);
    if (asked.ok) return asked;
    const { retryAfter, ...failure } = asked.error;
    if (retryAfter === undefined) return fail(failure);
    const waitMillis = retryAfter ?? pause;
    if (now() + waitMillis > end) return fail(givenUp(failure, waitMillis, options.patienceMillis));
    options.onWait?.({ failure, waitMillis });
    await sleep(waitMillis, signal);
  }
};

const sleepFor = async (millis: number, signal: AbortSignal): Promise<void> => {
  await delay(millis, undefined, { signal });
};

const seconds = (millis: number): string => `${String(Math.ceil(millis / 1000))} s`;

const givenUp = (failure: UsageFailure, waitMillis: number, patience: number): UsageFailure => ({
  ...failure,
  message:
    `${failure.message} It could be asked again in ${seconds(waitMillis)}, ` +
    `which is longer than the ${seconds(patience)} that may be waited for a page.`,
});

const ask = async (
  http: HttpGet,
  { token, url }: UsageEndpoint,
  { path, first }: Step,
  signal: AbortSignal,
  now: () => number,
): Promise<Asked> => {
  const answer = await http.get(
    path,
    { accept: 'application/json', ...(token !== null && { authorization: `Bearer ${token}` }) },
    { timeoutMillis: REQUEST_MILLIS, signal },
  );
  if (!answer.ok) return fail(unreachable(answer.error, url, first));
  const { status, headers, body } = answer.value;
  if (status === 200) {
    const page = readPage(body);
    if (page.ok) return succeed({ ...page.value, notes: notesOf(answer.value) });
    const message = `The answer of ${url} is not a page of usage (${page.error}).`;
    return fail({
      ...clientFailure('UnreadableAnswer', message, status),
      requestId: idOf(answer.value),
    });
  }
  const failure = refusal(answer.value, url);
  if (!RETRIED.has(status)) return fail(failure);
  return fail({ ...failure, retryAfter: retryAfterMillis(headers['retry-after'], now()) });
};

const headerOf = ({ headers }: HttpAnswer, name: string): string | null => {
  const value = headers[name];
  return typeof value === 'string' ? value : null;
};

const idOf = (answer: HttpAnswer): string | null => headerOf(answer, 'x-ms-request-id');

const notesOf = (answer: HttpAnswer): PageNotes => ({
  coverage: headerOf(answer, 'x-usage-coverage'),
  notCovered: headerOf(answer, 'x-usage-not-covered'),
  restatedHours: headerOf(answer, 'x-usage-restated-hours'),
});

const refusal = (answer: HttpAnswer, url: string): UsageFailure => {
  const { status, body, headers } = answer;
  const error = readError(body);
  if (error !== null) return { status, ...error, requestId: idOf(answer) };
  const to = headers.location === undefined ? '' : ` and points to ${headers.location}`;
  const message = `${url} answers ${String(status)}${to}, which is not the answer of a usage API: is this its address?`;
  return { ...clientFailure('UnreadableAnswer', message, status), requestId: idOf(answer) };
};

/** A certificate that is not trusted: the codes of OpenSSL's `X509_V_ERR_…` that a wrong CA gives. */
const UNTRUSTED: ReadonlySet<string> = new Set([
  'DEPTH_ZERO_SELF_SIGNED_CERT',
  'SELF_SIGNED_CERT_IN_CHAIN',
  'UNABLE_TO_GET_ISSUER_CERT',
  'UNABLE_TO_GET_ISSUER_CERT_LOCALLY',
  'UNABLE_TO_VERIFY_LEAF_SIGNATURE',
]);

const unreachable = (
  { code, message }: NoAnswer,
  url: string,
  first: boolean,
): UsageFailure & { readonly retryAfter?: null } => {
  const what = UNTRUSTED.has(code)
    ? `its certificate is not trusted: name the file of the CA that signed it`
    : message;
  const failure = clientFailure('Unreachable', `The usage API at ${url} does not answer: ${what}.`);
  // Its address was right before: it is restarting, or the network is down.
  const passes = BROKEN.has(code) || (!first && code === 'ECONNREFUSED');
  return passes ? { ...failure, retryAfter: null } : failure;
};

/** The path of the next page. Tokens and requests stay with the server that they were meant for. */
const nextPath = (
  { nextLink }: UsagePage,
  path: string,
  origin: URL,
): Result<string | null, UsageFailure> => {
  if (nextLink === null) return succeed(null);
  const [, rest] = /^https?:\/\/[^/?#]+(\/[^#]*)/i.exec(nextLink) ?? [];
  const isHere = URL.canParse(nextLink) && new URL(nextLink).origin === origin.origin;
  if (rest === undefined || !isHere) {
    return fail(
      clientFailure(
        'ForeignNextLink',
        `The next page is at another address, ${nextLink.slice(0, 200)}: use that address as the endpoint, or correct USAGE_API_PUBLIC_URL of the API.`,
      ),
    );
  }
  if (rest === path) {
    return fail(clientFailure('UnreadableAnswer', 'The next page is the same page again.'));
  }
  return succeed(rest);
};
