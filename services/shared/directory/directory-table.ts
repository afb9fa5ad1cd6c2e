import type { ClickHouseClient } from '@clickhouse/client';
import { insertRows, queryRows } from '../clickhouse/client.ts';
import type { Subscription, SubscriptionState } from '../model/subscription.ts';

/** An entry, with its revision. */
export interface StoredSubscription extends Subscription {
  readonly revision: number;
}

interface SubscriptionRow {
  readonly subscription_id: string;
  readonly provider_id: string;
  readonly state: SubscriptionState;
  readonly display_name: string;
  readonly offer: string;
  readonly customer: string;
  readonly revision: string;
}

/** The whole directory, in the order of the ids. */
export const readDirectory = async (
  client: ClickHouseClient,
): Promise<readonly StoredSubscription[]> => {
  const rows = await queryRows<SubscriptionRow>(
    client,
    `SELECT subscription_id, provider_id, state, display_name, offer, customer,
       toString(s.revision) AS revision
     FROM subscriptions AS s FINAL ORDER BY subscription_id`,
  );
  return rows.map((row) => ({
    id: row.subscription_id,
    provider: row.provider_id,
    state: row.state,
    displayName: row.display_name,
    offer: row.offer,
    customer: row.customer,
    revision: Number(row.revision),
  }));
};

/** Writes the next revision of entries. The caller must have read the previous ones; a new entry has 0. */
export const writeDirectory = (
  client: ClickHouseClient,
  subscriptions: readonly StoredSubscription[],
): Promise<void> =>
  insertRows(
    client,
    'subscriptions',
    subscriptions.map((each) => ({
      subscription_id: each.id,
      provider_id: each.provider,
      state: each.state,
      display_name: each.displayName,
      offer: each.offer,
      customer: each.customer,
      revision: String(each.revision + 1),
    })),
  );
