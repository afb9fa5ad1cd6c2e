/**
 * An error whose message is meant for the person at the terminal: one line that says what is wrong
 * and what to do. Entry points print the message alone and exit with a non-zero code; any other
 * error is a defect and keeps its stack.
 */
export class UserError extends Error {
  override readonly name = 'UserError';
}

/** The message of anything that was thrown. */
export const messageOf = (thrown: unknown): string =>
  thrown instanceof Error ? thrown.message : String(thrown);

/** The code of an error of Node or of ClickHouse; undefined if it has none. */
export const codeOf = (error: unknown): string | undefined =>
  (error as NodeJS.ErrnoException | null | undefined)?.code;

/** The message of what was thrown by `fetch`: it says itself only that it failed, and its cause why. */
export const causeText = (thrown: unknown): string =>
  messageOf(thrown instanceof Error && thrown.cause !== undefined ? thrown.cause : thrown);
