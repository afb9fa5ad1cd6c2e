import { HOUR_MILLIS, millis } from '../shared/model/time.ts';
import type { ErrorCode } from './api-error.ts';
import type { UsageApi } from './caller.ts';
import { parseUsageQuery } from './usage-query.ts';
import { timeOf } from '../shared/model/time-text.ts';

const NOW = millis(Date.UTC(2019, 11, 12, 10, 30));
const DAY = {
  'api-version': '2015-06-01-preview',
  reportedStartTime: '2019-12-10T00:00:00Z',
  reportedEndTime: '2019-12-11T00:00:00Z',
};
const HOUR = {
  ...DAY,
  aggregationGranularity: 'Hourly',
  reportedStartTime: '2019-12-10T19:00:00Z',
  reportedEndTime: '2019-12-10T20:00:00Z',
};

const parse = (parameters: Record<string, string> | string, hourMillis = HOUR_MILLIS) =>
  parseUsageQuery(new URLSearchParams(parameters), { api: 'provider', now: NOW, hourMillis });

test('without a granularity usage is asked for by day, of all subscriptions, from the first page', () => {
  expect(parse(DAY)).toEqual({
    ok: true,
    value: {
      granularity: 'Daily',
      from: Date.UTC(2019, 11, 10),
      to: Date.UTC(2019, 11, 11),
      subscriberId: null,
      continuationToken: null,
    },
  });
});

test('names, values and ids are taken in any case', () => {
  expect(
    parse({
      'API-VERSION': '2015-06-01-PREVIEW',
      REPORTEDSTARTTIME: HOUR.reportedStartTime,
      reportedendtime: HOUR.reportedEndTime,
      AggregationGranularity: 'hOURLY',
      SubscriberID: '1D6C4363-3A9B-4CB6-8E6C-FC2E9EC74CA4',
      continuationtoken: 'Abc',
    }),
  ).toEqual({
    ok: true,
    value: {
      granularity: 'Hourly',
      from: Date.UTC(2019, 11, 10, 19),
      to: Date.UTC(2019, 11, 10, 20),
      subscriberId: '1d6c4363-3a9b-4cb6-8e6c-fc2e9ec74ca4',
      continuationToken: 'Abc',
    },
  });
});

test.each([
  'reportedStartTime=2019-12-10T19%3A00%3A00.0000000%2B00%3A00&reportedEndTime=2019-12-10T20%3A00%3A00.0000000%2B00%3A00',
  'reportedStartTime=2019-12-10T19%3a00%3a00%2b00%3a00Z&reportedEndTime=2019-12-10T20%3a00%3a00%2b00%3a00Z',
  'reportedStartTime=2019-12-10T19:00:00+00:00&reportedEndTime=2019-12-10T20:00:00+00:00',
  'reportedStartTime=2019-12-10T19%253A00%253A00%252B00%253A00&reportedEndTime=2019-12-10T20%253A00%253A00.000Z',
  'reportedStartTime=2019-12-10T19:00:00.000Z&reportedEndTime=2019-12-10T20:00:00.0000000Z',
  'reportedStartTime=2019-12-10T19:00:00&reportedEndTime=2019-12-10T20:00',
])('times are read as clients write them in URLs: %s', (times) => {
  const parsed = parse(`${times}&aggregationGranularity=Hourly&api-version=2015-06-01-preview`);
  expect(parsed).toMatchObject({
    ok: true,
    value: { from: Date.UTC(2019, 11, 10, 19), to: Date.UTC(2019, 11, 10, 20) },
  });
});

const without = (name: string): Record<string, string> =>
  Object.fromEntries(Object.entries(HOUR).filter(([key]) => key !== name));

test.each<[string, Record<string, string> | string, ErrorCode, RegExp]>([
  ['no version', without('api-version'), 'NoApiVersion', /api-version/],
  ['an empty version', { ...HOUR, 'api-version': '' }, 'NoApiVersion', /api-version/],
  ['another version', { ...HOUR, 'api-version': '1.0' }, 'InvalidProperty', /'api-version'/],
  [
    'another granularity',
    { ...HOUR, aggregationGranularity: 'Monthly' },
    'InvalidAggregationGranularity',
    /'daily' or 'hourly'/,
  ],
  ['no start', without('reportedStartTime'), 'InvalidProperty', /'reportedStartTime' is missing/],
  ['no end', without('reportedEndTime'), 'InvalidProperty', /'reportedEndTime' is missing/],
  [
    'a start that is no time',
    { ...HOUR, reportedStartTime: 'today' },
    'InvalidProperty',
    /'reportedStartTime' is wrong: "today" is no time: write it like 2019-12-10T19:00:00Z\./,
  ],
  [
    "a locale's date",
    { ...DAY, reportedStartTime: '20/08/2015' },
    'InvalidProperty',
    /'reportedStartTime' is wrong: "20\/08\/2015" is no time: write it like 2019-12-10T19:00:00Z\./,
  ],
  [
    'an end off the hour',
    { ...HOUR, reportedEndTime: '2019-12-10T20:30:00Z' },
    'InvalidProperty',
    /'reportedEndTime' must be on the hour/,
  ],
  [
    'a start a ten-millionth of a second off the hour',
    { ...HOUR, reportedStartTime: '2019-12-10T19:00:00.0000001Z' },
    'InvalidProperty',
    /'reportedStartTime' must be on the hour/,
  ],
  [
    'a daily start that is not midnight',
    { ...DAY, reportedStartTime: '2019-12-10T01:00:00Z' },
    'InvalidProperty',
    /'reportedStartTime' must be midnight/,
  ],
  [
    'a daily end that is midnight elsewhere',
    { ...DAY, reportedEndTime: '2019-12-11T00:00:00+01:00' },
    'InvalidProperty',
    /'reportedEndTime' must be midnight/,
  ],
  [
    'an end at the start',
    { ...HOUR, reportedEndTime: HOUR.reportedStartTime },
    'InvalidProperty',
    /'reportedStartTime' must be before 'reportedEndTime'/,
  ],
  [
    'an hour that is not over',
    { ...HOUR, reportedEndTime: '2019-12-12T11:00:00Z' },
    'RequestEndTimeIsInFuture',
    /'reportedEndTime'/,
  ],
  [
    'a day that is not over',
    { ...DAY, reportedEndTime: '2019-12-13T00:00:00Z' },
    'RequestEndTimeIsInFuture',
    /'reportedEndTime'/,
  ],
  [
    'a subscriber that cannot be a subscription',
    { ...HOUR, subscriberId: 'sub1.1' },
    'SubscriberIdIsNotDirectTenant',
    /'subscriberId'/,
  ],
  [
    'a parameter twice',
    `${new URLSearchParams(HOUR).toString()}&ReportedEndTime=2019-12-10T21:00:00Z`,
    'InvalidProperty',
    /'reportedEndTime' is given twice/,
  ],
])('%s is refused', (_, parameters, code, message) => {
  expect(parse(parameters)).toEqual({
    ok: false,
    error: { status: 400, code, message: expect.stringMatching(message) as string },
  });
});

test.each([
  [
    '$filter',
    "usageStart eq '2019-12-10'",
    /'\$filter' is not known: the parameters are api-version, /,
  ],
  ['$top', '5', /'\$top' is not known/],
  ['subscrbrId', '1d6c4363-3a9b-4cb6-8e6c-fc2e9ec74ca4', /did you mean 'subscriberId'\?/],
  ['SUBSCRIPTIONID', '1d6c4363-3a9b-4cb6-8e6c-fc2e9ec74ca4', /did you mean 'subscriberId'\?/],
  ['showDetail', 'true', /did you mean 'showDetails'\?/],
  ['granularity', 'Hourly', /did you mean 'aggregationGranularity'\?/],
])('a parameter that is not known does not give all rows instead: %s', (name, value, message) => {
  expect(parse({ ...HOUR, [name]: value })).toEqual({
    ok: false,
    error: {
      status: 400,
      code: 'InvalidProperty',
      message: expect.stringMatching(message) as string,
    },
  });
});

test.each([
  ['subscriberId', 'InvalidProperty'],
  ['continuationToken', 'InvalidProperty'],
  ['reportedStartTime', 'InvalidProperty'],
  ['aggregationGranularity', 'InvalidAggregationGranularity'],
])('a parameter that is empty is not one that is missing: %s', (name, code) => {
  const parsed = parse({ ...HOUR, [name]: '' });
  expect(parsed).toMatchObject({ ok: false, error: { status: 400, code } });
  expect(JSON.stringify(parsed)).toContain(`'${name}'`);
});

test('an end that is now is not in the future, whether or not the hour is closed', () => {
  const now = timeOf(HOUR.reportedEndTime);
  const rules = { api: 'provider', now, hourMillis: HOUR_MILLIS } as const;
  expect(parseUsageQuery(new URLSearchParams(HOUR), rules).ok).toBe(true);
});

test('where tests have shortened the hour, the shorter one and its day count', () => {
  const shorter = { ...DAY, reportedEndTime: '2019-12-10T00:04:00Z' };
  expect(parse(shorter, 10_000).ok).toBe(true);
  expect(parse({ ...shorter, reportedEndTime: '2019-12-10T00:04:10Z' }, 10_000).ok).toBe(false);
});

const parseOf = (api: UsageApi, parameters: Record<string, string>) =>
  parseUsageQuery(new URLSearchParams(parameters), {
    api,
    now: NOW,
    hourMillis: HOUR_MILLIS,
  });

test.each([{}, { showDetails: 'true' }, { SHOWDETAILS: 'True' }])(
  "details may be asked for, as Azure's clients and scripts do: %j",
  (details) => {
    for (const api of ['tenant', 'provider'] as const) {
      expect(parseOf(api, { ...HOUR, ...details })).toMatchObject({
        ok: true,
        value: { granularity: 'Hourly', subscriberId: null },
      });
    }
  },
);

test.each([
  [{ showDetails: 'false' }, /'showDetails' is not supported here.*'true'/],
  [{ showDetails: 'FALSE' }, /'showDetails' is not supported here/],
  [{ showDetails: '0' }, /'showDetails' is not supported here/],
  [{ showDetails: '' }, /'showDetails' is empty/],
  [{ subscriberId: '1d6c4363-3a9b-4cb6-8e6c-fc2e9ec74ca4' }, /'subscriberId' is not known/],
])("a tenant's call with %j is refused by name", (parameters, message) => {
  expect(parseOf('tenant', { ...HOUR, ...parameters })).toEqual({
    ok: false,
    error: {
      status: 400,
      code: 'InvalidProperty',
      message: expect.stringMatching(message) as string,
    },
  });
});
