import { UserError } from '../process/errors.ts';

/** Codes of this client's own. Every other code is the API's: docs/usage-api.md, "Errors". */
export type ClientCode =
  /** The API cannot be reached, or breaks the connection. */
  | 'Unreachable'
  /** It answers what no usage API answers. */
  | 'UnreadableAnswer'
  /** Its next page is at another address. */
  | 'ForeignNextLink'
  /** A token would go over the network in plain text. */
  | 'TokenOverPlainHttp';

/** Why there is no page of usage. */
export interface UsageFailure {
  /** The HTTP status; null if there was no answer. */
  readonly status: number | null;
  /** The API's code, such as `InvalidProperty`, or one of `ClientCode`. */
  readonly code: string;
  /** For people. It may quote foreign text. */
  readonly message: string;
  /** The API's id of the request, for its operator; null if it gave none. */
  readonly requestId: string | null;
}

export const clientFailure = (
  code: ClientCode,
  message: string,
  status: number | null = null,
): UsageFailure => ({ status, code, message, requestId: null });

/** `InvalidProperty (400): The property … is missing. Request 1b2c…` */
export const failureText = ({ status, code, message, requestId }: UsageFailure): string =>
  `${code}${status === null ? '' : ` (${String(status)})`}: ${message}` +
  (requestId === null ? '' : ` Request ${requestId}`);

/** Ends a walk over rows, for callers that cannot go on without them. */
export class UsageError extends UserError {
  readonly failure: UsageFailure;

  constructor(failure: UsageFailure) {
    super(failureText(failure));
    this.failure = failure;
  }
}
