import { createHash, timingSafeEqual } from 'node:crypto';

/** True if an `Authorization` header has the token as a bearer token, or no token is set. */
export const bearerMayCall = (token: string | null, header: string | undefined): boolean =>
  token === null || same(token, /^Bearer +(\S+)$/i.exec(header ?? '')?.[1]);

/** The same for a browser, which asks for a name and takes the token as the password. */
export const browserMayCall = (token: string | null, header: string | undefined): boolean =>
  bearerMayCall(token, header) || (token !== null && same(token, basicPassword(header)));

const basicPassword = (header: string | undefined): string | undefined => {
  const encoded = /^Basic +(\S+)$/i.exec(header ?? '')?.[1] ?? '';
  return /^[^:]*:(.*)$/s.exec(Buffer.from(encoded, 'base64').toString('utf8'))?.[1];
};

/** Takes the same time wherever they differ. */
const same = (token: string, given: string | undefined): boolean =>
  given !== undefined && timingSafeEqual(digest(token), digest(given));

const digest = (text: string): Buffer => createHash('sha256').update(text).digest();
