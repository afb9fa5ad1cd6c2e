import { callingSubscription } from './caller.ts';

const PROVIDER = '39c82aed-b2b7-4a66-abdb-611de00bf11e';

test("the provider's subscription may call, in any case", () => {
  expect(callingSubscription(PROVIDER.toUpperCase(), PROVIDER)).toEqual({
    ok: true,
    value: PROVIDER,
  });
});

test.each([
  ['', 400, 'SubscriptionIdMissingInRequest'],
  ['provider', 400, 'InvalidSubscriptionId'],
  ['1d6c4363-3a9b-4cb6-8e6c-fc2e9ec74ca4', 404, 'SubscriptionNotFound'],
])('"%s" may not: %i %s', (given, status, code) => {
  expect(callingSubscription(given, PROVIDER)).toMatchObject({
    ok: false,
    error: { status, code },
  });
});
