import type { Operation } from './gate.ts';
import type { AnswerHandling } from './handling.ts';

/** A request that was made, and what came back. */
export interface MadeRequest {
  readonly requestId: string;
  readonly correlationId: string;
  readonly operation: Operation;
  readonly sentAt: number;
  readonly answeredAt: number;
  /** 0 without an answer. */
  readonly httpStatus: number;
  readonly handling: AnswerHandling;
  readonly message: string;
  /** What Commerce calls the request. */
  readonly commerceRequestId: string;
}

/** A request about submissions, and what Commerce said of each of them if it did. */
export interface RequestNote extends MadeRequest {
  readonly submissionIds: readonly string[];
  readonly statuses: readonly string[];
}
