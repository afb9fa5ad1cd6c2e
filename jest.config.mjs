import { availableParallelism } from 'node:os';

/** Unit tests stand beside the code; what needs a real broker or a real engine stands under test/. */
const shared = {
  modulePathIgnorePatterns: ['<rootDir>/dist/', '<rootDir>/.local/'],
  transform: {
    '^.+\\.ts$': ['@swc/jest', { jsc: { target: 'es2022', parser: { syntax: 'typescript' } } }],
  },
  extensionsToTreatAsEsm: ['.ts'],
  testEnvironment: 'node',
};

export default {
  // Integration tests mostly wait: for hours to close, for processes to start. Each has its own topics and database.
  maxWorkers: Math.max(3, availableParallelism() - 1),
  testSequencer: '<rootDir>/test/support/longest-first.mjs',
  // Ends a test that hangs, nothing else: on a busy machine real servers take their time.
  testTimeout: 900_000,
  projects: [
    {
      ...shared,
      displayName: 'unit',
      // Some start processes of the repository's own, which run compiled.
      globalSetup: '<rootDir>/test/support/compile.mjs',
      testMatch: [
        '<rootDir>/services/**/*.test.ts',
        '<rootDir>/schemas/**/*.test.ts',
        '<rootDir>/test/support/**/*.test.ts',
        '<rootDir>/test/hostile/**/*.test.ts',
        '<rootDir>/test/docs/**/*.test.ts',
        '<rootDir>/test/bench/**/*.test.ts',
        '<rootDir>/test/producers/**/*.test.ts',
      ],
    },
    {
      ...shared,
      displayName: 'integration',
      testMatch: ['<rootDir>/test/integration/**/*.test.ts', '<rootDir>/test/e2e/**/*.test.ts'],
      globalSetup: '<rootDir>/test/support/start-stack.mjs',
      globalTeardown: '<rootDir>/test/support/stop-stack.mjs',
    },
  ],
};
