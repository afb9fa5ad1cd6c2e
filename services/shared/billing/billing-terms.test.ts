import {
  BILLABLE,
  hour,
  NOT_BILLABLE,
  termsOfAll,
} from '../../../test/support/bridge/aggregates-log.ts';
import { meterTerms, termsOf } from './billing-terms.ts';

test('the terms of an hour are the newest that began by then', () => {
  const terms = [termsOfAll(), termsOfAll({ effectiveFrom: hour(5), planId: 'new' })];
  expect([4, 5, 6].map((h) => termsOf(terms, hour(h))?.planId)).toEqual(['plan', 'new', 'new']);
  expect(termsOf(terms.slice(1), hour(4))).toBeNull();
});

test('meters are known by their ids in lower case, with the name and plan to bill them by, or why they are not billed', () => {
  const meters = meterTerms(
    termsOfAll({ otherMeters: [{ meterId: NOT_BILLABLE, reason: 'deprecated' }] }),
  );
  expect([...meters]).toEqual([
    [NOT_BILLABLE.toLowerCase(), { meterId: NOT_BILLABLE, billable: false, reason: 'deprecated' }],
    [
      BILLABLE.toLowerCase(),
      { meterId: BILLABLE, dimension: BILLABLE, planId: 'plan', billable: true },
    ],
  ]);
});
