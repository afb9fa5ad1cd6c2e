/**
 * What is walked: the files in which mistakes are made, by folder, and the tests that ought to notice.
 * The nearest tests only: a mistake that first shows in a suite of half an hour is found late. Where
 * property tests are among them, the library of those is set up; it takes long to load.
 */
export const targets = [
  {
    name: 'shared/model/decimal.ts',
    hasProperties: true,
    files: ['services/shared/model/decimal.ts'],
    tests: ['services/shared/model/decimal.test.ts'],
  },
  {
    name: 'shared/billing',
    hasProperties: true,
    files: [
      'services/shared/billing/billing-terms.ts',
      'services/shared/billing/dimension-table.ts',
      'services/shared/billing/double.ts',
      'services/shared/billing/reconcile.ts',
    ],
    tests: ['services/shared/billing/*.test.ts'],
  },
  {
    name: 'shared/usage-fold',
    hasProperties: true,
    files: ['services/shared/usage-fold'],
    tests: ['services/shared/usage-fold/!(*.property|*.size|*workload).test.ts'],
  },
  {
    name: 'aggregator',
    files: [
      'services/aggregator/flush.ts',
      'services/aggregator/hydrate.ts',
      'services/aggregator/tick-schedule.ts',
    ],
    tests: ['services/aggregator/*.test.ts'],
  },
  {
    name: 'bridge/fold',
    files: ['services/bridge/fold'],
    tests: ['services/bridge/fold/!(*.property).test.ts'],
  },
  {
    name: 'bridge',
    files: [
      'services/bridge/establish-terms.ts',
      'services/bridge/flush.ts',
      'services/bridge/outcome.ts',
      'services/bridge/sender.ts',
      'services/bridge/submission-queue.ts',
    ],
    tests: ['services/bridge/*.test.ts', 'services/bridge/commerce/*.test.ts'],
  },
  {
    name: 'bridge/commerce',
    files: ['services/bridge/commerce'],
    tests: ['services/bridge/commerce/*.test.ts', 'services/bridge/sender.test.ts'],
  },
  {
    name: 'shared/sources',
    files: ['services/shared/sources/coverage.ts'],
    tests: ['services/shared/sources/*.test.ts', 'services/usage-api/range-coverage.test.ts'],
  },
  {
    name: 'usage-api',
    files: [
      'services/usage-api/continuation-token.ts',
      'services/usage-api/json-bytes.ts',
      'services/usage-api/kept-pages.ts',
      'services/usage-api/list-header.ts',
      'services/usage-api/page-text.ts',
      'services/usage-api/range-coverage.ts',
      'services/usage-api/reported-time.ts',
      'services/usage-api/stored-rows.ts',
      'services/usage-api/usage-answer.ts',
      'services/usage-api/usage-page.ts',
      'services/usage-api/usage-query.ts',
      'services/usage-api/usage-row.ts',
    ],
    tests: ['services/usage-api/**/*.test.ts'],
  },
];

export const targetNamed = (name) => {
  const target = targets.find((each) => each.name === name);
  if (!target) throw new Error(`There is no target "${name}" in test/mutation/targets.mjs`);
  return target;
};
