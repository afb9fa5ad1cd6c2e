import { createHash } from 'node:crypto';
import type { Fault, Mix, MixedKind } from './fault.ts';

/** Numbers from 0 to below 1 that follow from a seed and the number of the request. */
const numbersOf = (seed: string, request: number): (() => number) => {
  const bytes = createHash('sha256')
    .update(`${seed}\0${String(request)}`)
    .digest();
  let at = 0;
  return () => {
    const number = bytes.readUInt32BE(at) / 2 ** 32;
    at += 4; // a digest has room for eight, and a fault needs four at most
    return number;
  };
};

const MAX_SLOW = 1_500;

/** The fault that a request meets in a mix, by its number from 0; null if it meets none. */
export const mixedFault = (
  { seed, share, kinds, maxSkewMillis }: Mix,
  request: number,
): Fault | null => {
  const next = numbersOf(seed, request);
  if (next() >= share) return null;
  const kind = kinds[Math.floor(next() * kinds.length)];
  return kind === undefined ? null : faultOf(kind, next, maxSkewMillis);
};

const faultOf = (kind: MixedKind, next: () => number, maxSkewMillis: number): Fault => {
  const every = { count: 1, on: 'metering' } as const;
  const stored = (): boolean => next() < 0.5;
  switch (kind) {
    case '429':
      return { ...every, kind: 'status', status: 429, stored: false };
    case '429-retry-after':
      return { ...every, kind: 'status', status: 429, stored: false, retryAfter: 1 };
    case '500':
      return { ...every, kind: 'status', status: 500, stored: stored() };
    case '503':
      return { ...every, kind: 'status', status: 503, stored: stored() };
    case 'slow':
      return {
        ...every,
        kind: 'slow',
        stored: stored(),
        millis: 1 + Math.floor(next() * MAX_SLOW),
      };
    case 'reset-before':
      return { ...every, kind: 'reset', stored: false };
    case 'reset-after':
      return { ...every, kind: 'reset', stored: true };
    case 'half':
      return { ...every, kind: 'half' };
    case 'garbage':
      return { ...every, kind: 'garbage', stored: stored() };
    case 'expired-token':
      return { ...every, kind: 'expired-token', status: next() < 0.5 ? 401 : 403 };
    case 'item-error':
      return { ...every, kind: 'refuse', status: 'Error', items: [Math.floor(next() * 25)] };
    case 'skew':
      return {
        ...every,
        kind: 'skew',
        offsetMillis: Math.round((2 * next() - 1) * maxSkewMillis),
      };
  }
};
