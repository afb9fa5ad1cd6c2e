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

test('meters are known by their ids in lower case, with the name to bill them by', () => {
  const meters = meterTerms(
    termsOfAll({ billableMeters: [BILLABLE, 'Both'], otherMeters: [NOT_BILLABLE, 'BOTH'] }),
  );
  expect([...meters]).toEqual([
    [NOT_BILLABLE.toLowerCase(), { dimension: NOT_BILLABLE, billable: false }],
    ['both', { dimension: 'Both', billable: true }],
    [BILLABLE.toLowerCase(), { dimension: BILLABLE, billable: true }],
  ]);
});
