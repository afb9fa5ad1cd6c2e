/** The exit codes of `usagectl`, for scripts. 0 means: done, and no check found anything. */
export const EXIT = {
  /** The command was refused, or a check found something or could not look. */
  failed: 1,
  /** A defect in this program. */
  defect: 2,
} as const;

/**
 * Sets the exit code of a check that found something or could not look. The command ends with it, after its
 * output.
 */
export const checkFailed = (): void => {
  process.exitCode = EXIT.failed;
};
