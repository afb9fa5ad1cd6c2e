import type { Body } from './answers.ts';
import type { TokenProblem } from './sign-in/access-tokens.ts';

const SAID: Readonly<Record<TokenProblem, string>> = {
  missing: 'The bearer token is missing: an Authorization header is needed.',
  invalid: 'The bearer token is invalid.',
  expired: 'The bearer token has expired.',
};

/** The metering service answers 403, whatever is wrong with a token. */
export const meteringTokenProblem = (problem: TokenProblem): Body => ({
  message: SAID[problem],
  code: 'Forbidden',
});

const CODES: Readonly<Record<TokenProblem, string>> = {
  missing: 'AuthenticationFailed',
  invalid: 'InvalidAuthenticationToken',
  expired: 'ExpiredAuthenticationToken',
};

/** Azure Resource Manager answers 401. */
export const managerTokenProblem = (problem: TokenProblem): Body => ({
  error: { code: CODES[problem], message: SAID[problem] },
});
