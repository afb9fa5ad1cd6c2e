import { asciiLower } from '../../shared/model/placement.ts';
import type { DirectoryEntry } from '../../shared/sign-in/access.ts';

/** A message names at most so many members of a ring. */
const MAX_NAMED = 10;

/**
 * The ring of providers in which a subscription is: itself, its provider, the provider of that one, and so on back to itself; empty if there is
 * none. A deleted provider ends the way: its tenants fall to the default provider. So does the default provider if it is its own.
 */
const ringOf = (
  start: string,
  entries: ReadonlyMap<string, DirectoryEntry>,
  defaultProvider: string,
): readonly string[] => {
  const ring: string[] = [];
  const passed = new Set<string>();
  for (let id = start; ;) {
    if (passed.has(id)) return id === start ? ring : []; // else a ring of others, further on
    passed.add(id);
    ring.push(id);
    const provider = entries.get(id)?.provider;
    if (provider === undefined) return [];
    if (entries.get(provider)?.state === 'deleted') return [];
    if (provider === id && id === defaultProvider) return [];
    id = provider;
  }
};

const ringText = (ring: readonly string[], defaultProvider: string): string => {
  const [first = ''] = ring;
  if (ring.length === 1) {
    return `${first} cannot be its own provider: only the default provider can, which is ${defaultProvider} (PROVIDER_SUBSCRIPTION_ID). Name the provider whose direct tenant it is`;
  }
  const links = ring.map((id, n) => `${id} belongs to ${ring[(n + 1) % ring.length] ?? ''}`);
  const named =
    links.length <= MAX_NAMED
      ? links.join(', ')
      : `${links.slice(0, MAX_NAMED).join(', ')}, and so on, over ${String(ring.length)} subscriptions back to the first`;
  return `these subscriptions cannot be providers of one another in a ring: ${named}. Correct the provider of one of them`;
};

/**
 * What is wrong if some of these entries make a ring of providers; null if none does. The usage of its members would be hidden from the
 * default provider, and so from the operator. Rings that were there before and have none of these entries do not matter.
 * @param directory with the entries
 */
export const providerRingProblem = (
  directory: readonly DirectoryEntry[],
  given: readonly Pick<DirectoryEntry, 'id'>[],
  defaultProvider: string,
): string | null => {
  const entries = new Map(directory.map((each) => [each.id, each]));
  const own = asciiLower(defaultProvider);
  for (const { id } of given) {
    const ring = ringOf(id, entries, own);
    if (ring.length > 0) return ringText(ring, own);
  }
  return null;
};
