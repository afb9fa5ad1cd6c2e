import { rightPath } from './usage-path.ts';

/**
 * The error codes that the usage APIs of Azure Stack Hub document, those of ARM in front of them, and our
 * own: each with the statuses that it comes with.
 */
export const ERROR_CODES = {
  ProcessingNotComplete: [202],
  NoApiVersion: [400],
  InvalidProperty: [400],
  RequestEndTimeIsInFuture: [400],
  SubscriberIdIsNotDirectTenant: [400],
  SubscriptionIdMissingInRequest: [400],
  InvalidAggregationGranularity: [400],
  InvalidSubscriptionId: [400],
  AuthenticationFailed: [401],
  InvalidAuthenticationToken: [401],
  ExpiredAuthenticationToken: [401],
  InvalidAuthenticationTokenAudience: [401],
  InvalidAuthenticationTokenTenant: [401],
  AuthorizationFailed: [403],
  SubscriptionNotFound: [404],
  NotFound: [404],
  BadRequest: [400, 403, 413, 415, 421],
  TooManyRequests: [429],
  InternalServerError: [500],
  ServiceUnavailable: [503],
  GatewayTimeout: [504],
} as const satisfies Readonly<Record<string, readonly number[]>>;

export type ErrorCode = keyof typeof ERROR_CODES;

/** An answer that is not a page of usage. */
export interface ApiError {
  readonly status: number;
  readonly code: ErrorCode;
  /** For people. It never contains messages of the database. */
  readonly message: string;
  readonly headers?: Readonly<Record<string, string>>;
}

/** The envelope that Azure uses. */
export interface ErrorBody {
  readonly error: { readonly code: ErrorCode; readonly message: string };
}

export const errorBody = ({ code, message }: ApiError): ErrorBody => ({ error: { code, message } });

export const badRequest = (code: ErrorCode, message: string): ApiError => ({
  status: 400,
  code,
  message,
});

export const invalidProperty = (name: string, problem: string): ApiError =>
  badRequest('InvalidProperty', `The property '${name}' ${problem}.`);

export const notDirectTenant = (): ApiError =>
  badRequest(
    'SubscriberIdIsNotDirectTenant',
    "The property 'subscriberId' is not the id of a direct tenant of the calling subscription.",
  );

/** The longest part of a path that a message repeats. */
const MAX_PATH = 200;

export const notFound = (path: string): ApiError => ({
  status: 404,
  code: 'NotFound',
  message: `There is nothing at '${path.length > MAX_PATH ? `${path.slice(0, MAX_PATH)}…` : path}'. The usage API is ${rightPath(path)}.`,
});

/** Seconds after which a caller may try again. An hour closes shortly after it has ended. */
const RETRY_SECONDS = '30';

const retryLater = { 'retry-after': RETRY_SECONDS };

/** @param hour the first reported hour of the range that is not closed yet, as text */
export const processingNotComplete = (hour: string): ApiError => ({
  status: 202,
  code: 'ProcessingNotComplete',
  message: `The usage reported in the hour from ${hour} is still being processed. Try again later.`,
  headers: retryLater,
});

/** @param hour the first restated hour of the range of which not all rows are written yet, as text */
export const restatementNotComplete = (hour: string): ApiError => ({
  ...processingNotComplete(hour),
  message: `The usage reported in the hour from ${hour} is being restated. Try again later.`,
});

export const tooManyReads = (retryAfterSeconds: number): ApiError => ({
  status: 429,
  code: 'TooManyRequests',
  message: `The subscription has made all of its reads for now. The next one may be made in ${String(retryAfterSeconds)} s.`,
  headers: { 'retry-after': String(retryAfterSeconds) },
});

export const SERVICE_UNAVAILABLE: ApiError = {
  status: 503,
  code: 'ServiceUnavailable',
  message: 'The usage database is not available at the moment. Try again later.',
  headers: retryLater,
};

/** The header is as recorded from ARM's gateway. */
export const GATEWAY_TIMEOUT: ApiError = {
  status: 504,
  code: 'GatewayTimeout',
  message: 'The usage database did not answer within the time limit. Try again later.',
  headers: { ...retryLater, 'x-ms-failure-cause': 'service' },
};

export const INTERNAL_SERVER_ERROR: ApiError = {
  status: 500,
  code: 'InternalServerError',
  message:
    'The request could not be answered because of a defect. The log of the service has the details.',
};
