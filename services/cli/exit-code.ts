/**
 * The exit codes of `usagectl`, so that scripts can tell them apart; 0 is: done, and nothing found.
 */
export const EXIT = {
  /** Refused; or a check found something, or could not look. */
  failed: 1,
  /** A defect. */
  defect: 2,
} as const;

/** For a check that found something, or could not look: the command ends with it, after its output. */
export const checkFailed = (): void => {
  process.exitCode = EXIT.failed;
};
