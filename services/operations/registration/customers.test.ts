import type { AddressInfo } from 'node:net';
import { CommerceServer, SUBSCRIPTION, TOKEN } from '../../../test/support/commerce-server.ts';
import { readRegistration, type Registration } from '../../shared/billing/registration.ts';
import { staticToken } from '../../shared/commerce/token-source.ts';
import { inRepository } from '../../shared/process/repository.ts';
import { RegistrationCustomers } from './customers.ts';

const REGISTRATION = readRegistration(inRepository('samples/registration.json'));
const FABRIKAM = 'c0a1e5d2-8b34-4f6a-9d70-1e2f3a4b5c6d';
const FABRIKAM_TENANT = '3d5c7a10-2f4e-4b6d-8a91-c2e4f6a8b0d1';

let commerce: CommerceServer;
let url: string;

beforeEach(async () => {
  commerce = await CommerceServer.start();
  await commerce.app.listen({ host: '127.0.0.1', port: 0 });
  url = `http://127.0.0.1:${String((commerce.app.server.address() as AddressInfo).port)}`;
});
afterEach(() => commerce.stop());

const customersOf = (
  changes: Partial<Registration> = {},
  { at = url, token = TOKEN }: { at?: string; token?: string } = {},
) =>
  new RegistrationCustomers(
    { ...REGISTRATION, ...changes },
    { url: at, tokens: staticToken(token) },
  );

const refusal = (changes: Partial<Registration>, id = FABRIKAM): Promise<string> =>
  customersOf(changes)
    .put({ subscriptionId: id, tenantId: null, localSubscriptions: [] })
    .then(
      () => 'accepted',
      (error: unknown) => (error as Error).message,
    );

test('a customer is added, listed, replaced and removed', async () => {
  const customers = customersOf();
  expect(await customers.list()).toEqual([]);
  const added = { subscriptionId: FABRIKAM, tenantId: null, localSubscriptions: [SUBSCRIPTION] };
  await customers.put(added);
  expect(await customers.list()).toEqual([{ ...added, tenantId: FABRIKAM_TENANT }]);
  await customers.put({ ...added, tenantId: 'another', localSubscriptions: [] });
  expect(await customers.list()).toEqual([
    { ...added, tenantId: 'another', localSubscriptions: ['another'] },
  ]);
  await customers.remove(FABRIKAM);
  expect(await customers.list()).toEqual([]);
});

test('all pages of a long list are read', async () => {
  const customers = customersOf();
  const ids = Array.from(
    { length: 203 },
    (_, n) => `c0a1e5d2-8b34-4f6a-9d70-${String(n).padStart(12, '0')}`,
  );
  for (const subscriptionId of ids) {
    await customers.put({ subscriptionId, tenantId: subscriptionId, localSubscriptions: [] });
  }
  expect((await customers.list()).map(({ subscriptionId }) => subscriptionId)).toEqual(ids);
});

test.each<[string, Partial<Registration>, string]>([
  [FABRIKAM, { registrationName: 'other' }, 'RegistrationNotFound: '],
  ['e2c3a7f4-ad56-4b8c-9f92-3a4b5c6d7e8f', {}, 'BadCustomerSubscriptionId: '],
  ['04e5c9b6-cf78-4dae-9bb4-5c6d7e8f9011', {}, 'InvalidCustomerSubscriptionId: '],
  ['f3d4b8a5-be67-4c9d-8aa3-4b5c6d7e8f90', {}, 'InvalidCSPSubscription: '],
])("Azure's refusal of %s is told with what to do", async (id, changes, begin) => {
  const message = await refusal(changes, id);
  expect(message.startsWith(begin)).toBe(true);
  expect(message).toMatch(/ \(.+\)$/);
});

test('a customer that is not there cannot be removed', async () => {
  await expect(customersOf().remove(FABRIKAM)).rejects.toThrow(
    'CustomerSubscriptionNotFound: The customer subscription',
  );
});

test('a wrong token, a wrong address and a registration without its subscription say what to set', async () => {
  await expect(customersOf({}, { token: 'wrong' }).list()).rejects.toThrow('set COMMERCE_TOKEN');
  await expect(customersOf({}, { at: 'http://127.0.0.1:1' }).list()).rejects.toThrow(
    'Commerce at http://127.0.0.1:1 does not answer',
  );
  const { subscriptionId: _, ...rest } = REGISTRATION;
  expect(
    () => new RegistrationCustomers(rest as Registration, { url, tokens: staticToken(null) }),
  ).toThrow('The registration file has no "subscriptionId"');
});
