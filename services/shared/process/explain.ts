import { printableLines } from '../terminal/printable.ts';
import { UserError } from './errors.ts';
import { serverAdvice } from './server-advice.ts';

/** What a person can do about it; null if it is a defect. */
const adviceOf = (error: unknown): string | null =>
  error instanceof UserError ? error.message : serverAdvice(error);

/** Whether nobody but a developer can mend it. */
export const isDefect = (error: unknown): boolean => adviceOf(error) === null;

/**
 * Says what ended a process: one line for what a person can fix, the stack for a defect. It may quote
 * foreign text, which cannot steer the terminal.
 */
export const explain = (error: unknown): string =>
  printableLines(
    adviceOf(error) ??
      `Unexpected: ${error instanceof Error ? (error.stack ?? error.message) : String(error)}`,
  );
