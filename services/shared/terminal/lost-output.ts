/**
 * The exit code that a shell shows for a program ended by SIGPIPE (128 + 13). Node gets EPIPE instead.
 */
const NOBODY_READS = 141;
const FAILED = 1;

/**
 * Calls back, perhaps more than once, when nobody reads this process's output any more, with the exit code
 * for that. If the reader has ended (`| head`), nothing is wrong and nothing is reported.
 */
export const onLostOutput = (callback: (exitCode: number) => void): void => {
  process.stdout.on('error', ({ code, message }: NodeJS.ErrnoException) => {
    if (code === 'EPIPE') {
      callback(NOBODY_READS);
    } else {
      process.stderr.write(`The output cannot be written: ${message}\n`);
      callback(FAILED);
    }
  });
  process.stderr.on('error', ({ code }: NodeJS.ErrnoException) => {
    callback(code === 'EPIPE' ? NOBODY_READS : FAILED);
  });
};
