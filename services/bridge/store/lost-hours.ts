import type { ClickHouseClient } from '@clickhouse/client';
import { queryRows } from '../../shared/clickhouse/client.ts';
import { hourFromSeconds } from '../../shared/clickhouse/values.ts';
import { partitionName, type SourcePartition } from '../../shared/model/source.ts';
import type { Hour } from '../../shared/model/time.ts';
import { ClickHouseStore as UsageStore } from '../../shared/usage-store/clickhouse-store.ts';
import type { ClosedSource, LostHours } from '../recover-lost.ts';
import { waitingCarries } from './waiting-carries.ts';

const closedSources = async (client: ClickHouseClient): Promise<readonly ClosedSource[]> => {
  const restated = new Map<string, Set<Hour>>();
  for (const row of await queryRows<SourcePartition & { readonly hour: number }>(
    client,
    `SELECT DISTINCT topic, epoch, partition, toUnixTimestamp(reported_hour) AS hour
     FROM restatements WHERE windows > 0`,
  )) {
    const hours = restated.get(partitionName(row)) ?? new Set();
    restated.set(partitionName(row), hours.add(hourFromSeconds(row.hour)));
  }
  const rows = await queryRows<SourcePartition & { readonly open: number }>(
    client,
    `SELECT topic, epoch, partition, toUnixTimestamp(c.open_hour) AS open FROM checkpoints AS c FINAL`,
  );
  return rows.map(({ topic, epoch, partition, open }) => {
    const at = { topic, epoch, partition };
    const openHour = hourFromSeconds(open);
    return { ...at, openHour, restated: restated.get(partitionName(at)) ?? new Set() };
  });
};

/** What the usage tables and the bridge's own hold of what its log has lost. */
export const lostHours = (client: ClickHouseClient): LostHours => {
  const usage = new UsageStore(client);
  return {
    closed: () => closedSources(client),
    windowsInOrder: (place, hour) => usage.windowsInOrder(place, hour),
    waitingCarries: () => waitingCarries(client),
  };
};
