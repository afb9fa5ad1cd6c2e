import { succeed, type Result } from '../model/result.ts';

/** Why there is no token. */
export interface SignInFailure {
  readonly reason: string;
  /** Milliseconds that the token endpoint asks to wait; null if it does not say. */
  readonly retryAfter: number | null;
  /** `wait`: it is away or busy; `ask-a-person`: a setting is wrong */
  readonly handling: 'wait' | 'ask-a-person';
}

/** Where the bearer tokens for Commerce come from. */
export interface TokenSource {
  /** The token to present; null if there is none. */
  token(): Promise<Result<string | null, SignInFailure>>;
  /** Commerce has refused this token. Returns whether another one may be had. */
  refused(token: string): boolean;
}

/** The one token that somebody has set, or none. */
export const staticToken = (token: string | null): TokenSource => ({
  token: () => Promise.resolve(succeed(token)),
  refused: () => false,
});

const REFUSALS = new Set([401, 403]);

/** Asks with a token; once again, with a new one, where Commerce refuses the first. */
export const askSignedIn = async <Answer>(
  tokens: TokenSource,
  ask: (token: string | null) => Promise<Answer>,
  statusOf: (answer: Answer) => number,
): Promise<Result<Answer, SignInFailure>> => {
  const first = await tokens.token();
  if (!first.ok) return first;
  const answer = await ask(first.value);
  const isRefused = REFUSALS.has(statusOf(answer)) && first.value !== null;
  if (!isRefused || !tokens.refused(first.value)) return succeed(answer);
  const second = await tokens.token();
  return second.ok ? succeed(await ask(second.value)) : second;
};
