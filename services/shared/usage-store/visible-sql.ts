import { isSubscriptionId } from '../model/subscription-id.ts';
import type { Visible } from '../sign-in/access.ts';

/**
 * The condition on windows that a caller may see them, with its `AND`; empty if all may be seen. Ids stand in
 * the statement itself: parameters travel in the URL, which has no room for thousands of them.
 */
export const visibleSql = (visible: Visible): string => {
  const isHidden = 'allBut' in visible;
  const ids = (isHidden ? visible.allBut : visible).map((id) => {
    if (!isSubscriptionId(id)) throw new Error('a subscription of the directory has another form');
    return `'${id}'`;
  });
  return isHidden && ids.length === 0
    ? ''
    : `AND subscription_key ${isHidden ? 'NOT IN' : 'IN'} (${ids.join(', ')})`;
};

/** What the engine's default for `max_query_size` is. */
const MIN_QUERY_SIZE = 262_144;

/** The setting for a statement with such a condition: a long list is more than the engine reads by itself. */
export const roomFor = (statement: string): { readonly max_query_size: string } => ({
  max_query_size: String(statement.length + MIN_QUERY_SIZE),
});
