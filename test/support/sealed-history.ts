import type { ClickHouseClient } from '@clickhouse/client';
import { insertRows } from '../../services/shared/clickhouse/client.ts';
import { HOUR_MILLIS } from '../../services/shared/model/time.ts';

/** An accepted event: what stands in its row besides its place. */
export interface LedgerRow {
  /** Reported and usage hour, in seconds. */
  readonly hour: number;
  readonly tags?: string | null;
  readonly additionalInfo?: string | null;
}

const HOUR_SECONDS = HOUR_MILLIS / 1000;

/**
 * The ledger of a history run of one partition that is sealed, written by hand: its windows are missing.
 * All events are of one resource, 1.5 each, in the order of their offsets.
 */
export const writeSealedHistory = async (
  client: ClickHouseClient,
  topic: string,
  events: readonly LedgerRow[],
): Promise<void> => {
  const hours = events.map(({ hour }) => hour);
  const first = Math.min(...hours);
  const last = Math.max(...hours);
  await insertRows(client, 'sources', [
    {
      topic,
      epoch: 1,
      kind: 'history',
      partitions: 1,
      first_hour: first,
      last_hour: last,
      hour_millis: HOUR_MILLIS,
      state: 'sealed',
      billable: false,
      namespaces: ['*'],
      origin: 'a test',
      revision: '1',
    },
  ]);
  await insertRows(client, 'checkpoints', [
    {
      topic,
      epoch: 1,
      next_offset: events.length,
      accepted: events.length,
      open_hour: last + HOUR_SECONDS,
      sealed: true,
    },
  ]);
  await insertRows(
    client,
    'usage_events',
    events.map(({ hour, tags = null, additionalInfo = null }, offset) => ({
      topic,
      epoch: 1,
      offset,
      reported_hour: hour,
      usage_hour: hour,
      subscription_id: 'S',
      meter_id: 'M',
      resource_uri: 'R',
      quantity: '1.5',
      tags,
      additional_info: additionalInfo,
    })),
  );
};
