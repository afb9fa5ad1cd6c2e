import { callerWithoutSignIn, type UsageApi } from './caller.ts';

const PROVIDER = '39c82aed-b2b7-4a66-abdb-611de00bf11e';
const TENANT = '1d6c4363-3a9b-4cb6-8e6c-fc2e9ec74ca4';

const callerOf = (api: UsageApi, subscription: string) =>
  callerWithoutSignIn(PROVIDER)({ api, subscription, authorization: null });

test("the provider's subscription may call, in any case, and sees all tenants", async () => {
  expect(await callerOf('provider', PROVIDER.toUpperCase())).toEqual({
    ok: true,
    value: { subscription: PROVIDER, visible: 'all' },
  });
});

test('a tenant sees the subscription in the path', async () => {
  expect(await callerOf('tenant', TENANT.toUpperCase())).toEqual({
    ok: true,
    value: { subscription: TENANT, visible: [TENANT] },
  });
});

test.each<[UsageApi, string, number, string]>([
  ['provider', '', 400, 'SubscriptionIdMissingInRequest'],
  ['provider', 'provider', 400, 'InvalidSubscriptionId'],
  ['provider', TENANT, 404, 'SubscriptionNotFound'],
  ['tenant', '', 400, 'SubscriptionIdMissingInRequest'],
  ['tenant', 'tenant', 400, 'InvalidSubscriptionId'],
])('"%s/%s" may not: %i %s', async (api, given, status, code) => {
  expect(await callerOf(api, given)).toMatchObject({ ok: false, error: { status, code } });
});
