import { printableLines } from '../terminal/printable.ts';
import { UserError } from './errors.ts';

/**
 * Tells what ended a process: one line for what a person can mend, the stack for a defect. It may quote
 * others, and cannot steer the terminal that it is printed on.
 */
export const explain = (error: unknown): string =>
  printableLines(
    error instanceof UserError
      ? error.message
      : `Unexpected: ${error instanceof Error ? (error.stack ?? error.message) : String(error)}`,
  );
