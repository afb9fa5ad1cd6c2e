import { asciiLower } from '../model/placement.ts';

/** The roles on a subscription. Each of them may read usage. */
export const ROLES = ['Owner', 'Contributor', 'Reader'] as const;

export type Role = (typeof ROLES)[number];

/** The subscriptions, in lower case, on which somebody has a role. */
export type RoleSubscriptions = ReadonlySet<string>;

const ASSIGNMENT = /^\/subscriptions\/([^/]{1,100})\/([A-Za-z]{1,100})$/i;

/** How the claim `roles` of a token names a role on a subscription. */
export const roleClaim = (subscription: string, role: Role): string =>
  `/subscriptions/${subscription}/${role}`;

/**
 * Reads the claim `roles`: texts `/subscriptions/{id}/{role}`, in any case. Other texts are roles of other
 * applications and mean nothing here. A claim that is no list of texts gives no role.
 * @param wanted the roles that count
 */
export const roleSubscriptions = (
  claim: unknown,
  wanted: readonly Role[] = ROLES,
): RoleSubscriptions => {
  const found = new Set<string>();
  for (const text of Array.isArray(claim) ? (claim as readonly unknown[]) : []) {
    const [, subscription, name] = ASSIGNMENT.exec(typeof text === 'string' ? text : '') ?? [];
    const role = wanted.find((each) => asciiLower(each) === asciiLower(name ?? ''));
    if (subscription !== undefined && role !== undefined) found.add(asciiLower(subscription));
  }
  return found;
};
