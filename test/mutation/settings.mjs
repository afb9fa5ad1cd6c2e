import { directory, fileOf } from './results.mjs';

export const sandboxes = `${directory}/sandbox`;

/** Stryker's settings for one target. */
export const settingsFor = (name) => ({
  testRunner: 'jest',
  plugins: ['@stryker-mutator/jest-runner', './test/mutation/sentences.mjs'],
  ignorers: ['sentences'],
  // Jest runs ECMAScript modules by them.
  testRunnerNodeArgs: ['--experimental-vm-modules', '--disable-warning=ExperimentalWarning'],
  jest: { configFile: 'test/mutation/jest.config.mjs' },
  coverageAnalysis: 'perTest',
  concurrency: 1,
  maxTestRunnerReuse: 100, // Jest gives no memory back
  timeoutMS: 30_000, // on a busy machine a test takes its time
  incremental: true,
  incrementalFile: fileOf(name),
  tempDirName: sandboxes,
  ignorePatterns: ['.local', 'dist', 'docs', '.ci'],
  reporters: [process.stdout.isTTY ? 'progress' : 'progress-append-only', 'clear-text'],
  clearTextReporter: { allowColor: false, reportTests: false },
  allowConsoleColors: false,
});
