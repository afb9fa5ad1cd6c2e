import type { ClickHouseClient } from '@clickhouse/client';
import {
  readDirectory,
  writeDirectory,
  type StoredSubscription,
} from '../../shared/directory/directory-table.ts';
import type { Subscription } from '../../shared/model/subscription.ts';
import { UserError } from '../../shared/process/errors.ts';
import { recordOperation } from '../../shared/sources/register.ts';
import { providerRingProblem } from './provider-rings.ts';

/** What a change did to the directory. */
export interface DirectoryChange {
  readonly added: number;
  readonly changed: number;
  readonly unchanged: number;
}

/** What to write for the given entries, and what that changes. Other entries stay. Pure. */
export const planChange = (
  stored: readonly StoredSubscription[],
  given: readonly Subscription[],
): { readonly rows: readonly StoredSubscription[]; readonly change: DirectoryChange } => {
  const known = new Map(stored.map((each) => [each.id, each]));
  const added = given.filter(({ id }) => !known.has(id));
  const changed = given.filter((each) => {
    const before = known.get(each.id);
    return before !== undefined && !isSame(before, each);
  });
  return {
    rows: [...added, ...changed].map((each) => ({
      ...each,
      revision: known.get(each.id)?.revision ?? 0,
    })),
    change: {
      added: added.length,
      changed: changed.length,
      unchanged: given.length - added.length - changed.length,
    },
  };
};

const isSame = (a: Subscription, b: Subscription): boolean =>
  a.provider === b.provider &&
  a.state === b.state &&
  a.displayName === b.displayName &&
  a.offer === b.offer &&
  a.customer === b.customer;

/** From where entries come, and whose subscription may be its own provider. */
export interface PutHow {
  readonly origin: string;
  readonly defaultProvider: string;
}

/**
 * Adds entries, or replaces those with the same id, and records who did it.
 * @throws UserError if providers would form a ring
 */
export const putSubscriptions = async (
  client: ClickHouseClient,
  given: readonly Subscription[],
  { origin, defaultProvider }: PutHow,
): Promise<DirectoryChange> => {
  const stored = await readDirectory(client);
  const { rows, change } = planChange(stored, given);
  const problem = providerRingProblem([...stored, ...given], given, defaultProvider);
  if (problem !== null) {
    throw new UserError(`The directory cannot be changed: ${problem}. Nothing was changed.`);
  }
  if (rows.length === 0) return change;
  await writeDirectory(client, rows);
  await recordOperation(client, {
    kind: 'subscriptions-changed',
    subject: rows.length === 1 ? (rows[0]?.id ?? '') : `${String(rows.length)} subscriptions`,
    detail: { added: change.added, changed: change.changed, origin },
  });
  return change;
};

/** Adds the entries whose ids the directory does not have. What a person has changed stays. */
export const addMissingSubscriptions = async (
  client: ClickHouseClient,
  given: readonly Subscription[],
  how: PutHow,
): Promise<DirectoryChange> => {
  const known = new Set((await readDirectory(client)).map(({ id }) => id));
  const missing = given.filter(({ id }) => !known.has(id));
  const change = await putSubscriptions(client, missing, how);
  return { ...change, unchanged: given.length - missing.length };
};

/**
 * Marks an entry as deleted. Its row stays, because its usage is still returned to its provider.
 * @returns false if it was deleted before
 * @throws UserError if the directory does not have it
 */
export const removeSubscription = async (
  client: ClickHouseClient,
  id: string,
  defaultProvider: string,
): Promise<boolean> => {
  const found = (await readDirectory(client)).find((each) => each.id === id);
  if (found === undefined) {
    throw new UserError(
      `The directory has no subscription ${id}: see "usagectl subscriptions list". Nothing was changed.`,
    );
  }
  const how = { origin: 'remove', defaultProvider };
  const { changed } = await putSubscriptions(client, [{ ...found, state: 'deleted' }], how);
  return changed > 0;
};
