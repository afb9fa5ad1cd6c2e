import type { ClickHouseClient } from '@clickhouse/client';
import { queryRows } from '../../shared/clickhouse/client.ts';
import { readDirectory } from '../../shared/directory/directory-table.ts';
import { readMeterCatalog, type Meter } from '../../shared/meters/meter-catalog.ts';
import { partitionName, type Source, type SourcePartition } from '../../shared/model/source.ts';
import { millis, type Millis } from '../../shared/model/time.ts';
import { readSources } from '../../shared/sources/register.ts';

/** What decides whether usage can be emitted, and where to. */
export interface EmitWorld {
  readonly sources: readonly Source[];
  readonly catalog: readonly Meter[];
  /** The ids in the directory of subscriptions, in lower case. */
  readonly subscriptions: ReadonlySet<string>;
  /** Up to where the ledger of a partition was trimmed, by `partitionName`. */
  readonly floors: ReadonlyMap<string, Millis>;
  readonly now: Millis;
}

export const readEmitWorld = async (client: ClickHouseClient): Promise<EmitWorld> => {
  const floors = await queryRows<SourcePartition & { readonly floor: string }>(
    client,
    `SELECT topic, epoch, partition, toString(toUnixTimestamp64Milli(assumeNotNull(c.floor))) AS floor
     FROM checkpoints AS c FINAL WHERE isNotNull(c.floor)`,
  );
  return {
    sources: await readSources(client),
    catalog: readMeterCatalog(),
    subscriptions: new Set((await readDirectory(client)).map(({ id }) => id)),
    floors: new Map(floors.map((row) => [partitionName(row), millis(Number(row.floor))])),
    now: millis(Date.now()),
  };
};
