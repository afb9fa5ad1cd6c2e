import { asciiLower } from '../model/placement.ts';
import type { Subscription } from '../model/subscription.ts';
import type { RoleSubscriptions } from './roles.ts';

/** The operator's API has the usage of all direct tenants, the tenant's that of one subscription. */
export type UsageApi = 'provider' | 'tenant';

/** All subscriptions but these. In lower case, each once, in order. */
export interface AllBut {
  readonly allBut: readonly string[];
}

/** The subscriptions whose usage a caller may read: these, in lower case, each once, in order; or the rest. */
export type Visible = readonly string[] | AllBut;

/** What an entry of the directory says about access. */
export type DirectoryEntry = Pick<Subscription, 'id' | 'provider' | 'state'>;

export interface AccessRequest {
  readonly api: UsageApi;
  /** The subscription that calls, in lower case. */
  readonly subscription: string;
  /** The default provider, in any case. */
  readonly defaultProvider: string;
  /** `every`: without sign-in, a caller has a role on every subscription. */
  readonly roles: RoleSubscriptions | 'every';
}

export type Access =
  | { readonly kind: 'granted'; readonly visible: Visible }
  /** No role on the subscription; nothing else may follow from the answer. */
  | { readonly kind: 'no-role' }
  | { readonly kind: 'no-provider' }
  | { readonly kind: 'deleted' };

/** Whether a caller has a role on the subscription that calls. The directory is not needed for that. */
export const hasRole = ({ roles, subscription }: AccessRequest): boolean =>
  roles === 'every' || roles.has(subscription);

/**
 * Who may read what. Every role may read.
 *
 * | role on the subscription | the directory says of it | API      | may read                                    |
 * |--------------------------|--------------------------|----------|---------------------------------------------|
 * | none                     | whatever                 | both     | nothing: `no-role`                          |
 * | any, default provider    | whatever                 | provider | everything but the tenants of other         |
 * |                          |                          |          | providers that are not deleted              |
 * | any                      | deleted                  | both     | nothing: `deleted`                          |
 * | any                      | has direct tenants       | provider | its direct tenants, whatever their state    |
 * | any                      | has none                 | provider | nothing: `no-provider`                      |
 * | any                      | active, suspended, or it | tenant   | its own usage                               |
 * |                          | is not there             |          |                                             |
 *
 * @param directory must have at least the entry of the subscription that calls, and those that
 * `DirectoryView.entriesFor` reads for the API
 */
export const accessOf = (request: AccessRequest, directory: readonly DirectoryEntry[]): Access => {
  const { api, subscription } = request;
  if (!hasRole(request)) return { kind: 'no-role' };
  if (api === 'provider' && isDefaultProvider(request)) {
    // A deleted provider reads nothing: the usage of its tenants would be lost to everybody.
    const deleted = new Set(directory.filter(isDeleted).map(({ id }) => id));
    const isOther = (each: string): boolean => each !== subscription && !deleted.has(each);
    return { kind: 'granted', visible: { allBut: idsOf(directory, isOther) } };
  }
  if (directory.some((each) => each.id === subscription && isDeleted(each))) {
    return { kind: 'deleted' };
  }
  if (api === 'tenant') return { kind: 'granted', visible: [subscription] };
  const tenants = idsOf(directory, (each) => each === subscription);
  return tenants.length === 0 ? { kind: 'no-provider' } : { kind: 'granted', visible: tenants };
};

export const isDefaultProvider = ({
  subscription,
  defaultProvider,
}: Pick<AccessRequest, 'subscription' | 'defaultProvider'>): boolean =>
  subscription === asciiLower(defaultProvider);

const isDeleted = ({ state }: DirectoryEntry): boolean => state === 'deleted';

const idsOf = (
  directory: readonly DirectoryEntry[],
  isProvider: (provider: string) => boolean,
): readonly string[] =>
  directory
    .filter(({ provider }) => isProvider(provider))
    .map(({ id }) => id)
    .sort();
