import type { ClickHouseClient } from '@clickhouse/client';
import { queryRows } from '../clickhouse/client.ts';
import { asciiLower } from '../model/placement.ts';
import { Recent } from '../model/recent.ts';
import { isDefaultProvider, type AccessRequest, type DirectoryEntry } from '../sign-in/access.ts';

/** Reads what decides about the access of one caller. */
export class DirectoryView {
  private readonly client: ClickHouseClient;
  private readonly recent: Recent<readonly DirectoryEntry[]>;

  /** @param recentMillis the milliseconds for which entries are told again to whom recent ones will do */
  constructor(client: ClickHouseClient, recentMillis = 0) {
    this.client = client;
    this.recent = new Recent(recentMillis);
  }

  /**
   * The entries that `accessOf` needs: few, but for a provider with many tenants.
   * @param mayBeRecent whether they may be as they were a moment ago
   */
  entriesFor(
    request: Pick<AccessRequest, 'api' | 'subscription' | 'defaultProvider'>,
    mayBeRecent = false,
  ): Promise<readonly DirectoryEntry[]> {
    const name = `${request.api}/${request.subscription}`;
    return this.recent.of(name, mayBeRecent, () => this.readEntries(request));
  }

  private readEntries(
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

  /**
   * Whether the directory says that a subscription is a direct tenant of the default provider. Those of a deleted provider are, as in
   * `accessOf`.
   */
  async isTenantOfDefault(subscription: string, defaultProvider: string): Promise<boolean> {
    const rows = await queryRows<object>(
      this.client,
      `SELECT 1 AS found FROM subscriptions AS s FINAL
       WHERE s.subscription_id = {subscription:String} AND (s.provider_id = {provider:String} OR s.provider_id IN (
         SELECT p.subscription_id FROM subscriptions AS p FINAL WHERE p.state = 'deleted'))`,
      { subscription: asciiLower(subscription), provider: asciiLower(defaultProvider) },
    );
    return rows.length > 0;
  }
}
