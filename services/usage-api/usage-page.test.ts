import { pageOfRows, usageRow } from '../../test/support/usage-row.ts';
import type { Keyring } from '../shared/model/control-record.ts';
import { millis } from '../shared/model/time.ts';
import { readToken } from './continuation-token.ts';
import { PAGE_ROWS, pageBody, type PageContext, type UsagePage } from './usage-page.ts';

const DIGEST = { asked: 'asked', rows: 'rows' };
const KEYS: Keyring = [{ id: 'k', secret: Buffer.alloc(32) }];

const CONTEXT: PageContext = {
  api: 'provider',
  query: {
    visible: { allBut: [] },
    granularity: 'Hourly',
    from: millis(Date.UTC(2019, 11, 10, 19)),
    to: millis(Date.UTC(2019, 11, 10, 20)),
    subscriberId: '1d6c4363-3a9b-4cb6-8e6c-fc2e9ec74ca4',
    continuationToken: null,
  },
  digest: DIGEST,
  keys: KEYS,
  caller: '39c82aed-b2b7-4a66-abdb-611de00bf11e',
  origin: 'http://usage.example:8080',
};

/** The page of so many rows. */
const pageOf = (count: number, context = CONTEXT): UsagePage => {
  const rows = Array.from({ length: count }, (_, n) => usageRow(n));
  const page = pageOfRows(rows, PAGE_ROWS, context.caller);
  return JSON.parse(pageBody(page, context).toString()) as UsagePage;
};

test.each([0, 1, PAGE_ROWS])('%i rows are one page without a next link', (count) => {
  const page = pageOf(count);
  expect(page.value).toHaveLength(count);
  expect(Object.keys(page)).toEqual(['value']);
});

test('one row more gives a link that repeats the query and goes on after the last row', () => {
  const page = pageOf(PAGE_ROWS + 1);
  expect(page.value).toHaveLength(PAGE_ROWS);
  const link = new URL(page.nextLink ?? '');
  expect(`${link.origin}${link.pathname}`).toBe(
    'http://usage.example:8080/subscriptions/39c82aed-b2b7-4a66-abdb-611de00bf11e/providers/Microsoft.Commerce.Admin/subscriberUsageAggregates',
  );
  const { continuationToken = '', ...others } = Object.fromEntries(link.searchParams);
  expect(others).toEqual({
    reportedStartTime: '2019-12-10T19:00:00Z',
    reportedEndTime: '2019-12-10T20:00:00Z',
    aggregationGranularity: 'Hourly',
    subscriberId: '1d6c4363-3a9b-4cb6-8e6c-fc2e9ec74ca4',
    'api-version': '2015-06-01-preview',
  });
  expect(readToken(continuationToken, DIGEST, KEYS)).toMatchObject({
    ok: true,
    value: { resourceKey: usageRow(PAGE_ROWS - 1).resourceKey },
  });
});

test('a link asks for all subscriptions where the query did, and the page has each of its rows', () => {
  const query = { ...CONTEXT.query, subscriberId: null };
  const page = pageOf(PAGE_ROWS + 1, { ...CONTEXT, query });
  expect(new URL(page.nextLink ?? '').searchParams.has('subscriberId')).toBe(false);
  expect(page.value.map(({ name }) => name)).toEqual(Array(PAGE_ROWS).fill('s-m'));
});

test("a link of the tenant's API stays there", () => {
  const query = { ...CONTEXT.query, subscriberId: null };
  const page = pageOf(PAGE_ROWS + 1, { ...CONTEXT, api: 'tenant', query });
  expect(new URL(page.nextLink ?? '').pathname).toBe(
    '/subscriptions/39c82aed-b2b7-4a66-abdb-611de00bf11e/providers/Microsoft.Commerce/usageAggregates',
  );
});
