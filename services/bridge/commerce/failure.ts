/** Why the effect of a request is unknown. The request is made again. */
export interface Failure {
  readonly kind: 'failed';
  readonly reason: string;
  /** Milliseconds that Commerce asks the bridge to wait; null if it does not say. */
  readonly retryAfter: number | null;
  readonly handling: 'wait' | 'retry' | 'ask-a-person';
}

/** Who asks to wait (`Retry-After`) is busy, whatever else it says. */
export const failure = (
  handling: Failure['handling'],
  reason: string,
  retryAfter: number | null = null,
): Failure => ({
  kind: 'failed',
  reason,
  retryAfter,
  handling: retryAfter !== null && handling === 'retry' ? 'wait' : handling,
});
