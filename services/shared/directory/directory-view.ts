import type { ClickHouseClient } from '@clickhouse/client';
import { queryRows } from '../clickhouse/client.ts';
import { asciiLower } from '../model/placement.ts';
import { isDefaultProvider, type AccessRequest, type DirectoryEntry } from '../sign-in/access.ts';

/** Reads what decides about the access of one caller. */
export class DirectoryView {
  private readonly client: ClickHouseClient;

  constructor(client: ClickHouseClient) {
    this.client = client;
  }

  /** The entries that `accessOf` needs: few, but for a provider with many tenants. */
  entriesFor(
    request: Pick<AccessRequest, 'api' | 'subscription' | 'defaultProvider'>,
  ): Promise<readonly DirectoryEntry[]> {
    const { api, subscription } = request;
    const conditions = {
      own: 'subscription_id = {subscription:String}',
      direct: 'subscription_id = {subscription:String} OR provider_id = {subscription:String}',
      others: "provider_id != {subscription:String} OR s.state = 'deleted'",
    };
    const needed = isDefaultProvider(request) ? conditions.others : conditions.direct;
    return queryRows<DirectoryEntry>(
      this.client,
      `SELECT subscription_id AS id, provider_id AS provider, toString(s.state) AS state
       FROM subscriptions AS s FINAL WHERE ${api === 'tenant' ? conditions.own : needed}`,
      { subscription },
    );
  }

  /** Whether the directory says that a subscription is a direct tenant of a provider. */
  async isDirectTenant(subscription: string, provider: string): Promise<boolean> {
    const rows = await queryRows<object>(
      this.client,
      `SELECT 1 AS found FROM subscriptions AS s FINAL
       WHERE subscription_id = {subscription:String} AND provider_id = {provider:String}`,
      { subscription: asciiLower(subscription), provider: asciiLower(provider) },
    );
    return rows.length > 0;
  }
}
