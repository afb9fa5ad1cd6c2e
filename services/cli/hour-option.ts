import { InvalidArgumentError } from 'commander';
import type { Hour } from '../shared/time.ts';

/** An hour on the command line. */
export const hour = (text: string): Hour => {
  const time = Date.parse(text);
  if (!Number.isNaN(time) && time % 1000 === 0) return time as Hour;
  throw new InvalidArgumentError('it must be an hour such as 2026-02-03T04:00:00Z');
};
