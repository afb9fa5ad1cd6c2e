import type { ClickHouseClient } from '@clickhouse/client';
import { insertRows, queryRows } from '../../shared/clickhouse/client.ts';
import { hourFromSeconds, secondsFromMillis } from '../../shared/clickhouse/values.ts';
import { resourceKey } from '../../shared/model/placement.ts';
import { millis } from '../../shared/model/time.ts';
import type { CloudResource } from '../simulated-cloud/resource.ts';
import type { FaultPlan, PlannedFaults } from './faults/fault-plan.ts';
import type { Progress } from './reporting/progress.ts';

/** Something that is stored, and how often it has been changed before. */
export interface Revised<T> {
  readonly value: T;
  readonly revision: number;
}

/** What one simulated provider must not forget. It is the only writer of its rows. */
export class CloudStore {
  private readonly client: ClickHouseClient;
  private readonly provider: string;

  constructor(client: ClickHouseClient, provider: string) {
    this.client = client;
    this.provider = provider;
  }

  /** The resources that a person has created or changed. */
  async resources(): Promise<readonly Revised<CloudResource>[]> {
    const rows = await queryRows<{ resource: string; revision: string }>(
      this.client,
      `SELECT resource, toString(r.revision) AS revision FROM simulated_resources AS r FINAL
       WHERE provider = {provider:String} ORDER BY resource_key`,
      { provider: this.provider },
    );
    return rows.map(({ resource, revision }) => ({
      value: JSON.parse(resource) as CloudResource,
      revision: Number(revision),
    }));
  }

  /** Stores the next revision of resources, all of them or none. */
  async putResources(changed: readonly Revised<CloudResource>[], by: string): Promise<void> {
    await insertRows(
      this.client,
      'simulated_resources',
      changed.map(({ value, revision }) => ({
        provider: this.provider,
        resource_key: resourceKey(value.resourceUri),
        resource: JSON.stringify(value),
        revision: String(revision),
        changed_by: by,
      })),
    );
  }

  /** How far it has reported; null if it has reported nothing yet. */
  async progress(): Promise<Revised<Progress> | null> {
    const [row] = await queryRows<{
      reported: string;
      claimed: string;
      piece_millis: number;
      revision: string;
    }>(
      this.client,
      `SELECT toString(toUnixTimestamp64Milli(reported_through)) AS reported,
         toString(toUnixTimestamp64Milli(claimed_through)) AS claimed, piece_millis,
         toString(r.revision) AS revision
       FROM simulated_reports AS r FINAL WHERE provider = {provider:String}`,
      { provider: this.provider },
    );
    if (row === undefined) return null;
    const value = {
      reportedThrough: millis(Number(row.reported)),
      claimedThrough: millis(Number(row.claimed)),
      pieceMillis: row.piece_millis,
    };
    return { value, revision: Number(row.revision) };
  }

  async putProgress({ value, revision }: Revised<Progress>): Promise<void> {
    await insertRows(this.client, 'simulated_reports', [
      {
        provider: this.provider,
        reported_through: secondsFromMillis(value.reportedThrough),
        claimed_through: secondsFromMillis(value.claimedThrough),
        piece_millis: value.pieceMillis,
        revision: String(revision),
      },
    ]);
  }

  async faults(): Promise<readonly PlannedFaults[]> {
    const rows = await queryRows<{ from_hour: number; plan: string }>(
      this.client,
      `SELECT toUnixTimestamp(f.from_hour) AS from_hour, plan FROM simulated_faults AS f FINAL
       WHERE provider = {provider:String} ORDER BY f.from_hour`,
      { provider: this.provider },
    );
    return rows.map(({ from_hour: fromHour, plan }) => ({
      fromHour: hourFromSeconds(fromHour),
      plan: JSON.parse(plan) as FaultPlan,
    }));
  }

  async putFaults({ fromHour, plan }: PlannedFaults): Promise<void> {
    await insertRows(this.client, 'simulated_faults', [
      { provider: this.provider, from_hour: fromHour / 1000, plan: JSON.stringify(plan) },
    ]);
  }
}
