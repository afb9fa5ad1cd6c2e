import { directoryOf } from '../../test/support/usage-callers.ts';
import { fail, succeed } from '../shared/model/result.ts';
import { roleSubscriptions } from '../shared/sign-in/roles.ts';
import type { UsageApi } from '../shared/sign-in/access.ts';
import type { TokenProblem } from '../shared/sign-in/verify-token.ts';
import { callerBy, type CallerTools } from './caller.ts';

const PROVIDER = '39c82aed-b2b7-4a66-abdb-611de00bf11e';
const OTHER = '5816b1a6-ee2e-4590-8dff-a6a1e0de9ef6';
const TENANT = '1d6c4363-3a9b-4cb6-8e6c-fc2e9ec74ca4';
const OTHERS_TENANT = 'fba5bdb2-c2ca-48c1-a9af-6562a70603d8';
const UNKNOWN = '00000000-0000-0000-0000-000000000000';

const DIRECTORY = [
  { id: TENANT, provider: PROVIDER, state: 'active' },
  { id: OTHERS_TENANT, provider: OTHER, state: 'active' },
] as const;

/** What a caller gets, and how often the directory was asked. */
const call = async (
  signIn: CallerTools['signIn'],
  api: UsageApi,
  subscription: string,
): Promise<{ answer: unknown; asked: number }> => {
  const directory = directoryOf(DIRECTORY);
  let asked = 0;
  const counted = {
    entriesFor: () => {
      asked++;
      return directory.entriesFor();
    },
  };
  const callerOf = callerBy({ signIn, directory: counted, provider: PROVIDER });
  return { answer: await callerOf({ api, subscription, authorization: null }), asked };
};

const withRoleOn =
  (...subscriptions: readonly string[]): CallerTools['signIn'] =>
  () =>
    Promise.resolve(
      succeed({
        name: 'olga',
        objectId: 'o',
        roles: roleSubscriptions(subscriptions.map((each) => `/subscriptions/${each}/Reader`)),
        changes: new Set(),
      }),
    );

test('without sign-in everybody may call, and the directory still says what is whose', async () => {
  expect((await call(null, 'provider', PROVIDER.toUpperCase())).answer).toEqual({
    ok: true,
    value: { subscription: PROVIDER, visible: { allBut: [OTHERS_TENANT] } },
  });
  expect((await call(null, 'tenant', TENANT.toUpperCase())).answer).toEqual({
    ok: true,
    value: { subscription: TENANT, visible: [TENANT] },
  });
  expect((await call(null, 'provider', TENANT)).answer).toMatchObject({
    error: { status: 404, code: 'SubscriptionNotFound' },
  });
});

test.each<[UsageApi, string, string]>([
  ['provider', '', 'SubscriptionIdMissingInRequest'],
  ['provider', 'provider', 'InvalidSubscriptionId'],
  ['tenant', '', 'SubscriptionIdMissingInRequest'],
  ['tenant', 'tenant', 'InvalidSubscriptionId'],
])('a path without a subscription is refused: "%s/%s"', async (api, given, code) => {
  expect((await call(withRoleOn(PROVIDER), api, given)).answer).toMatchObject({
    error: { status: 400, code },
  });
});

test.each<UsageApi>(['provider', 'tenant'])(
  'without a role, a foreign subscription and one that does not exist get the same answer, after the same work: %s',
  async (api) => {
    const answers = [];
    for (const id of [PROVIDER, OTHER, TENANT, OTHERS_TENANT, UNKNOWN]) {
      const { answer, asked } = await call(withRoleOn(id.replace(/^./, 'e')), api, id);
      expect(asked).toBe(0);
      answers.push(JSON.stringify(answer).replaceAll(id, 'ID'));
    }
    expect(new Set(answers).size).toBe(1);
    expect(answers[0]).toContain('"status":403,"code":"AuthorizationFailed"');
    expect(answers[0]).toContain(
      "The client 'olga' with object id 'o' does not have authorization to perform action 'Microsoft.Commerce",
    );
  },
);

test('a role on a tenant does not make it a provider', async () => {
  expect((await call(withRoleOn(TENANT), 'provider', TENANT)).answer).toMatchObject({
    error: { status: 403, code: 'AuthorizationFailed' },
  });
});

test.each<[TokenProblem, string, string]>([
  [{ kind: 'missing' }, 'AuthenticationFailed', 'Bearer realm="usage-api"'],
  [{ kind: 'invalid' }, 'InvalidAuthenticationToken', 'error="invalid_token"'],
  [{ kind: 'not-yet-valid' }, 'InvalidAuthenticationToken', 'error="invalid_token"'],
  [{ kind: 'audience' }, 'InvalidAuthenticationTokenAudience', 'error="invalid_token"'],
  [{ kind: 'issuer' }, 'InvalidAuthenticationTokenTenant', 'error="invalid_token"'],
  [
    { kind: 'expired', expiredAt: 0 as never },
    'ExpiredAuthenticationToken',
    'error_description="The access token expired at 1970-01-01T00:00:00Z: get a new one."',
  ],
])('a request without a good token is challenged: %j', async (problem, code, challenge) => {
  const signIn = () => Promise.resolve(fail(problem));
  // Also where the path is wrong: who has not signed in learns nothing.
  for (const path of [PROVIDER, UNKNOWN, '', 'x']) {
    const { answer, asked } = await call(signIn, 'provider', path);
    expect(answer).toMatchObject({ ok: false, error: { status: 401, code } });
    expect(JSON.stringify(answer).replaceAll('\\"', '"')).toContain(challenge);
    expect(asked).toBe(0);
  }
});
