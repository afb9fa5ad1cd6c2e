import { asciiLower } from '../model/placement.ts';
import type { SubscriptionState } from '../model/subscription.ts';
import { accessOf, type Access, type DirectoryEntry, type UsageApi } from './access.ts';
import { ROLES, roleClaim, roleSubscriptions } from './roles.ts';

/**
 * P0 is the default provider, with the direct tenants P1, A (active), S (suspended) and D (deleted). P1 is
 * a delegated provider with the tenants B (active) and E (deleted). P2 is a provider that was deleted, with
 * the tenant C, whose usage falls to P0. U is in no directory.
 */
const DIRECTORY: readonly DirectoryEntry[] = [
  ['P1', 'P0', 'active'],
  ['P2', 'P0', 'deleted'],
  ['A', 'P0', 'active'],
  ['S', 'P0', 'suspended'],
  ['D', 'P0', 'deleted'],
  ['B', 'P1', 'active'],
  ['E', 'P1', 'deleted'],
  ['C', 'P2', 'active'],
].map(([id = '', provider = '', state]) => ({
  id: asciiLower(id),
  provider: asciiLower(provider),
  state: state as SubscriptionState,
}));

const ALL = ['P0', 'P1', 'P2', 'A', 'S', 'D', 'B', 'E', 'C', 'U'] as const;
type Id = (typeof ALL)[number];

const APIS: readonly UsageApi[] = ['provider', 'tenant'];

/** What a role on the subscription that calls lets it read; a word where it lets it read nothing. */
const EXPECTED: Readonly<Record<UsageApi, Readonly<Record<Id, readonly Id[] | Access['kind']>>>> = {
  provider: {
    P0: ['P0', 'P1', 'P2', 'A', 'S', 'D', 'C', 'U'],
    P1: ['B', 'E'],
    P2: 'deleted',
    A: 'no-provider',
    S: 'no-provider',
    D: 'deleted',
    B: 'no-provider',
    E: 'deleted',
    C: 'no-provider',
    U: 'no-provider',
  },
  tenant: {
    P0: ['P0'],
    P1: ['P1'],
    P2: 'deleted',
    A: ['A'],
    S: ['S'],
    D: 'deleted',
    B: ['B'],
    E: 'deleted',
    C: ['C'],
    U: ['U'],
  },
};

const access = (api: UsageApi, subscription: Id, claims: readonly unknown[] | 'every'): Access =>
  accessOf(
    {
      api,
      subscription: asciiLower(subscription),
      defaultProvider: 'P0',
      roles: claims === 'every' ? 'every' : roleSubscriptions(claims),
    },
    DIRECTORY,
  );

/** Which of all subscriptions an access lets somebody read. */
const readable = (given: Access): readonly Id[] | Access['kind'] => {
  if (given.kind !== 'granted') return given.kind;
  const { visible } = given;
  return ALL.filter((id) =>
    'allBut' in visible
      ? !visible.allBut.includes(asciiLower(id))
      : visible.includes(asciiLower(id)),
  );
};

const CELLS = APIS.flatMap((api) => ALL.map((subscription) => ({ api, subscription })));

describe('who may read what, in every cell', () => {
  test.each(CELLS)('$api, called by $subscription', ({ api, subscription }) => {
    for (const role of ROLES) {
      const claims = [roleClaim(subscription, role)];
      expect([role, readable(access(api, subscription, claims))]).toEqual([
        role,
        EXPECTED[api][subscription],
      ]);
    }
    expect(readable(access(api, subscription, 'every'))).toEqual(EXPECTED[api][subscription]);
    // Roles on every other subscription, and no role at all.
    const others = ALL.filter((id) => id !== subscription).map((id) => roleClaim(id, 'Owner'));
    expect(access(api, subscription, others)).toEqual({ kind: 'no-role' });
    expect(access(api, subscription, [])).toEqual({ kind: 'no-role' });
  });
});

test('no usage is lost to providers, and none is read by two of them', () => {
  const readers = ALL.map((id) => [
    id,
    ALL.filter((provider) => {
      const found = readable(access('provider', provider, 'every'));
      return typeof found !== 'string' && found.includes(id);
    }),
  ]);
  expect(Object.fromEntries(readers)).toEqual({
    P0: ['P0'],
    P1: ['P0'],
    P2: ['P0'],
    A: ['P0'],
    S: ['P0'],
    D: ['P0'],
    B: ['P1'],
    E: ['P1'],
    C: ['P0'],
    U: ['P0'],
  });
});

test.each([
  ['a text', '/subscriptions/a/Owner'],
  ['nothing', undefined],
  ['an object', { 0: '/subscriptions/a/Owner' }],
])('a claim that is no list gives no role: %s', (_, claim) => {
  expect(roleSubscriptions(claim)).toEqual(new Set());
});

test.each([
  '/subscriptions/a',
  '/subscriptions/a/',
  '/subscriptions//Owner',
  '/subscriptions/a/Owner/x',
  '/subscriptions/a/User Access Administrator',
  '/subscriptions/a/Owners',
  ' /subscriptions/a/Owner',
  '/subscriptions/a/resourceGroups/b/Owner',
  'Owner',
  7,
  null,
])('what is no role on a subscription gives none: %j', (text) => {
  expect(roleSubscriptions([text])).toEqual(new Set());
});

test('roles and ids are read in any case', () => {
  expect(roleSubscriptions(['/Subscriptions/AB/reader', '/subscriptions/c/OWNER'])).toEqual(
    new Set(['ab', 'c']),
  );
});
