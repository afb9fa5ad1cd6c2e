import { pageOfRows, usageRow, type UsageRow } from '../../test/support/usage-row.ts';
import type { UsageAggregateResource } from './usage-row.ts';

const CALLER = '39c82aed-b2b7-4a66-abdb-611de00bf11e';

const row = (changes: Partial<UsageRow> = {}): UsageRow => ({
  ...usageRow(0, Date.UTC(2019, 11, 10, 18) / 1000),
  subscriptionId: 'Sub-A',
  meterId: 'METER-B',
  resourceUri: '/subscriptions/Sub-A/X',
  location: 'northwest',
  tags: '',
  quantity: '16.461425899527967',
  ...changes,
});

const textOf = (changes: Partial<UsageRow> = {}): string =>
  pageOfRows([row(changes)], 1, CALLER).list.toString();

const resourceOf = (changes: Partial<UsageRow>): UsageAggregateResource | undefined =>
  (JSON.parse(textOf(changes)) as UsageAggregateResource[])[0];

test('a row has the fields of the recording, in their order and as they were written', () => {
  expect(textOf()).toBe(
    `[{"id":"/subscriptions/${CALLER}/providers/Microsoft.Commerce/UsageAggregate/Sub-A-METER-B",` +
      '"name":"Sub-A-METER-B","type":"Microsoft.Commerce/UsageAggregate",' +
      '"properties":{"subscriptionId":"Sub-A","usageStartTime":"2019-12-10T18:00:00+00:00",' +
      '"usageEndTime":"2019-12-10T19:00:00+00:00",' +
      '"instanceData":"{\\"Microsoft.Resources\\":{\\"resourceUri\\":\\"/subscriptions/Sub-A/X\\",' +
      '\\"location\\":\\"northwest\\",\\"tags\\":\\"\\",\\"additionalInfo\\":null}}",' +
      '"quantity":16.461425899527967,"meterId":"METER-B","name":"Sub-A-METER-B"}}]',
  );
});

test.each([null, '', 'null', '{"RG":"rg","testTag":"1"}'])('tags %p come as they were', (tags) => {
  const { instanceData = '' } = resourceOf({ tags })?.properties ?? {};
  expect(JSON.parse(instanceData)).toMatchObject({ 'Microsoft.Resources': { tags } });
});

test.each([
  ['0', 0],
  ['2', 2],
  ['-12.5', -12.5], // an adjustment alone
  ['0.000000083819031715393070000000', 8.381903171539307e-8],
  ['0.3', 0.1 + 0.2 - 5.551115123125783e-17],
  // Halfway between two doubles and a little more: the digits beyond a double's count.
  ['9007199254740993.000000000000000000000000000001', 9007199254740994],
  ['9007199254740993', 9007199254740992],
])('the quantity %s is the double nearest to it', (quantity, nearest) => {
  expect(resourceOf({ quantity })?.properties.quantity).toBe(nearest);
});
