import { locationsPath, rightPath } from './usage-path.ts';

const ID = '1d6c4363-3a9b-4cb6-8e6c-fc2e9ec74ca4';
const PROVIDER = `/subscriptions/${ID}/providers/Microsoft.Commerce.Admin/subscriberUsageAggregates`;
const TENANT = `/subscriptions/${ID}/providers/Microsoft.Commerce/usageAggregates`;

test.each([
  [`/subscriptions/${ID}/providers/Microsoft.Commerce/subscriberUsageAggregates`, PROVIDER],
  [`/subscriptions/${ID}/providers/Microsoft.Commerce.Admin/usageAggregates`, PROVIDER],
  [`/subscriptions/${ID}/providers/Microsoft.Commerce.Admin/locations/x/y`, PROVIDER],
  [`/subscriptions/${ID}/providers/Microsoft.Commerce/UsageAggregate`, TENANT],
  [`/Subscriptions/${ID}/providers/microsoft.commerce/ratecard`, TENANT],
])('%s leads to the path that was meant', (wrong, right) => {
  expect(rightPath(wrong)).toContain(`GET ${right}`);
});

test.each(['/', '/subscriptions', '/subscriptions/x/providers/Microsoft.Compute'])(
  '%s leads to both APIs',
  (wrong) => {
    expect(rightPath(wrong)).toMatch(
      /\/subscriptions\/\{subscriptionId\}\/.*subscriberUsageAggregates for operators.*\/usageAggregates for tenants/,
    );
  },
);

test('a location in the path is told to have no effect', () => {
  expect(
    rightPath(`/subscriptions/${ID}/providers/Microsoft.Commerce/locations/x/UsageAggregates`),
  ).toMatch(/There is one location/);
});

test('the resource type of scripts stands between the provider and the resource', () => {
  expect(locationsPath('tenant', ID)).toBe(
    `/subscriptions/${ID}/providers/Microsoft.Commerce/locations/usageAggregates`,
  );
});
