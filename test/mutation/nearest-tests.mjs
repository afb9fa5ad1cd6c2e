/**
 * Asks the test files beside a changed file alone (`x.test.ts`, `x.part.test.ts`), where there are any,
 * and else every test that reaches it: a test sequencer of Jest, told by Stryker which files are
 * concerned.
 */
export default class NearestTests {
  constructor({ globalConfig }) {
    this.changed = globalConfig.nonFlagArgs;
  }

  sort(tests) {
    if (this.changed.length !== 1) return tests;
    const stem = this.changed[0].replace(/ts$/, '');
    const nearest = tests.filter(({ path }) => path.startsWith(stem));
    return nearest.length > 0 ? nearest : tests;
  }

  cacheResults() {
    // The order does not depend on earlier runs.
  }
}
