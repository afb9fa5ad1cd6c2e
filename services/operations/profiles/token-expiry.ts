import { millis, type Millis } from '../../shared/model/time.ts';

/** The last instant that a date can name. */
const LAST = 8.64e15;

/** When a JWT says that it expires, unverified. Null for any other token. */
export const tokenExpiry = (token: string): Millis | null => {
  const [, payload, signature] = token.split('.');
  if (payload === undefined || signature === undefined) return null;
  try {
    const claims = JSON.parse(Buffer.from(payload, 'base64url').toString('utf8')) as unknown;
    const exp =
      typeof claims === 'object' && claims !== null && 'exp' in claims ? claims.exp : null;
    return typeof exp === 'number' && Math.abs(exp * 1000) <= LAST ? millis(exp * 1000) : null;
  } catch {
    return null; // not a JWT: the API says what it thinks of it
  }
};
