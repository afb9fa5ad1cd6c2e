/**
 * The error codes that the usage APIs of Azure Stack Hub document, those of ARM in front of them, and our
 * own.
 */
export type ErrorCode =
  | 'NoApiVersion'
  | 'InvalidProperty'
  | 'RequestEndTimeIsInFuture'
  | 'SubscriberIdIsNotDirectTenant'
  | 'SubscriptionIdMissingInRequest'
  | 'InvalidAggregationGranularity'
  | 'ProcessingNotComplete'
  | 'ServiceUnavailable'
  | 'GatewayTimeout'
  | 'AuthenticationFailed'
  | 'InvalidAuthenticationToken'
  | 'ExpiredAuthenticationToken'
  | 'AuthorizationFailed'
  | 'TooManyRequests'
  | 'InvalidSubscriptionId'
  | 'SubscriptionNotFound'
  | 'NotFound'
  | 'BadRequest'
  | 'InternalServerError';

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

export const notFound = (path: string): ApiError => ({
  status: 404,
  code: 'NotFound',
  message: `There is nothing at '${path}'. The usage API is GET /subscriptions/{subscriptionId}/providers/Microsoft.Commerce.Admin/subscriberUsageAggregates.`,
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
