import { fileURLToPath } from 'node:url';
import config from '../../jest.config.mjs';
import { targetNamed } from './targets.mjs';

const { tests, hasProperties = false } = targetNamed(process.env.MUTATION_TARGET);

/** The tests of one target, in one project, without servers and without compiling. */
const { transform, extensionsToTreatAsEsm, modulePathIgnorePatterns } = config.projects.find(
  ({ displayName }) => displayName === 'unit',
);

export default {
  transform,
  extensionsToTreatAsEsm,
  testEnvironment: fileURLToPath(new URL('until-noticed.mjs', import.meta.url)),
  modulePathIgnorePatterns,
  rootDir: '../..',
  testSequencer: '<rootDir>/test/mutation/nearest-tests.mjs',
  setupFiles: hasProperties ? ['<rootDir>/test/mutation/set-up.mjs'] : [],
  // Tests reach what they test by way of test/support, too.
  roots: [
    '<rootDir>/test/support',
    ...tests.map((glob) => `<rootDir>/${glob.replace(/\/[^/]*[*.].*$/, '')}`),
  ],
  testMatch: tests.map((glob) => `<rootDir>/${glob}`),
};
