import { InvalidArgumentError } from 'commander';
import { UserError } from '../../shared/process/errors.ts';
import type { Millis } from '../../shared/model/time.ts';
import type { LetterFilter } from '../../operations/dead-letters/letters.ts';
import { DEAD_LETTER_CODES } from '../../shared/model/dead-letter.ts';

export interface FilterOptions {
  readonly code?: readonly string[];
  readonly topic?: readonly string[];
  readonly since?: Millis;
  readonly until?: Millis;
  readonly all?: boolean;
}

export const filterOf = ({ code, topic, since, until, all }: FilterOptions): LetterFilter => ({
  codes: code ?? null,
  topics: topic ?? null,
  since: since ?? null,
  until: until ?? null,
  openOnly: all !== true,
});

export const code = (text: string, before: readonly string[] = []): readonly string[] => {
  if (!DEAD_LETTER_CODES.some((known) => known === text)) {
    throw new InvalidArgumentError(
      `there is no such code; the codes are ${DEAD_LETTER_CODES.join(', ')}`,
    );
  }
  return [...before, text];
};

export const several = (text: string, before: readonly string[] = []): readonly string[] => [
  ...before,
  text,
];

/** A discard needs a reason that still means something later. */
export const reasonOf = (text: string): string => {
  const reason = text.trim();
  if (reason === '') throw new UserError('A discard needs a reason: --reason "..."');
  return reason;
};

export const wholeNumber = (text: string): number => {
  if (/^[1-9]\d{0,8}$/.test(text)) return Number(text);
  throw new InvalidArgumentError('it must be a whole number above 0');
};
