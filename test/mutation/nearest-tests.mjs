/**
 * Asks the test file beside a changed file alone, where there is one, and else every test that reaches
 * it: a test sequencer of Jest, told by Stryker which files are concerned.
 */
export default class NearestTests {
  constructor({ globalConfig }) {
    this.changed = globalConfig.nonFlagArgs;
  }

  sort(tests) {
    if (this.changed.length !== 1) return tests;
    const beside = this.changed[0].replace(/\.ts$/, '.test.ts');
    const nearest = tests.filter(({ path }) => path === beside);
    return nearest.length > 0 ? nearest : tests;
  }

  cacheResults() {
    // The order does not depend on earlier runs.
  }
}
