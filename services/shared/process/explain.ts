import { printableLines } from '../terminal/printable.ts';
import { UserError } from './errors.ts';

/**
 * Says what ended a process: one line for what a person can fix, the stack for a defect. It may quote
 * foreign text, which cannot steer the terminal.
 */
export const explain = (error: unknown): string =>
  printableLines(
    error instanceof UserError
      ? error.message
      : `Unexpected: ${error instanceof Error ? (error.stack ?? error.message) : String(error)}`,
  );
