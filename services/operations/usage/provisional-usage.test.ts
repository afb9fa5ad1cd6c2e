import type { DirectoryEntry } from '../../shared/sign-in/access.ts';
import { HOUR_MILLIS, millis } from '../../shared/model/time.ts';
import { provisionalSql } from './provisional-usage.ts';
import { visibleUsage } from './visible-usage.ts';

const DEFAULT = '39c82aed-b2b7-4a66-abdb-611de00bf11e';
const RESELLER = '49c82aed-b2b7-4a66-abdb-611de00bf11e';
const GONE = '59c82aed-b2b7-4a66-abdb-611de00bf11e';
const TENANT = '5d3b9a0e-1111-4222-8333-944455556666';

const ENTRIES: readonly DirectoryEntry[] = [
  { id: TENANT, provider: RESELLER, state: 'active' },
  { id: GONE, provider: DEFAULT, state: 'deleted' },
];
const directory = { entriesFor: () => Promise.resolve(ENTRIES) };

const conditionFor = async (subscription: string): Promise<string | undefined> => {
  const visible = await visibleUsage(directory, subscription, DEFAULT.toUpperCase());
  const sql = provisionalSql({
    from: millis(0),
    to: millis(HOUR_MILLIS),
    granularity: 'Hourly',
    subscriberId: null,
    hourMillis: HOUR_MILLIS,
    visible,
  });
  return /AND subscription_key .*/.exec(sql)?.[0];
};

test('open rows of all tenants were shown, whatever the calling subscription was', async () => {
  expect(await conditionFor(DEFAULT)).toBe(`AND subscription_key NOT IN ('${TENANT}')`);
  expect(await conditionFor(RESELLER.toUpperCase())).toBe(`AND subscription_key IN ('${TENANT}')`);
});

test.each([
  [TENANT, 'has no direct tenants'],
  [GONE, 'is deleted'],
])('open rows were shown to %s, which %s', async (subscription, reason) => {
  await expect(visibleUsage(directory, subscription, DEFAULT)).rejects.toThrow(
    `The calling subscription ${subscription} ${reason} in the directory`,
  );
});
