import { createHash, timingSafeEqual } from 'node:crypto';

/** Takes the same time wherever they differ. */
export const isSameSecret = (secret: string, given: string): boolean =>
  timingSafeEqual(digest(secret), digest(given));

const digest = (text: string): Buffer => createHash('sha256').update(text).digest();
