import type { ClickHouseClient } from '@clickhouse/client';
import { insertRows, queryRows } from '../clickhouse/client.ts';
import type { Source, SourceState } from '../model/source.ts';
import type { Hour } from '../model/time.ts';
import { actorName } from './actor.ts';

/** A row of the register, with its revision. */
export interface RegisteredSource extends Source {
  readonly revision: number;
}

interface SourceRow {
  readonly topic: string;
  readonly epoch: number;
  readonly kind: 'live' | 'history';
  readonly partitions: number;
  readonly first_hour: number;
  readonly last_hour: number | null;
  readonly hour_millis: number;
  readonly predecessor: number | null;
  readonly state: SourceState;
  readonly billable: boolean;
  readonly namespaces: readonly string[];
  readonly taken_up: readonly (readonly [namespace: string, from: number])[];
  readonly origin: string;
  readonly revision: string;
}

const hour = (seconds: number): Hour => (seconds * 1000) as Hour;

const sourceFromRow = (row: SourceRow): RegisteredSource => ({
  topic: row.topic,
  epoch: row.epoch,
  kind: row.kind,
  partitions: row.partitions,
  firstHour: hour(row.first_hour),
  lastHour: row.last_hour === null ? null : hour(row.last_hour),
  hourMillis: row.hour_millis,
  predecessor: row.predecessor,
  state: row.state,
  billable: row.billable,
  namespaces: row.namespaces,
  takenUp: row.taken_up.map(([namespace, from]) => ({ namespace, from: hour(from) })),
  origin: row.origin,
  revision: Number(row.revision),
});

/** Reads the register, in the order of first hour and topic. */
export const readSources = async (
  client: ClickHouseClient,
): Promise<readonly RegisteredSource[]> => {
  const rows = await queryRows<SourceRow>(
    client,
    `SELECT topic, epoch, kind, partitions, toUnixTimestamp(s.first_hour) AS first_hour,
       toUnixTimestamp(s.last_hour) AS last_hour, hour_millis, predecessor, state, billable,
       namespaces,
       arrayMap(taken -> (taken.namespace, toUnixTimestamp(taken.from_hour)), s.taken_up) AS taken_up,
       origin, toString(s.revision) AS revision
     FROM sources AS s FINAL ORDER BY s.first_hour, topic, epoch`,
  );
  return rows.map(sourceFromRow);
};

/**
 * Writes the next revision of a source. The caller must have read the previous revision. Returns what is in
 * the register now.
 */
export const writeSource = async (
  client: ClickHouseClient,
  source: RegisteredSource,
): Promise<RegisteredSource> => {
  const next = { ...source, revision: source.revision + 1 };
  await insertRows(client, 'sources', [
    {
      topic: next.topic,
      epoch: next.epoch,
      kind: next.kind,
      partitions: next.partitions,
      first_hour: next.firstHour / 1000,
      last_hour: next.lastHour === null ? null : next.lastHour / 1000,
      hour_millis: next.hourMillis,
      predecessor: next.predecessor,
      state: next.state,
      billable: next.billable,
      namespaces: next.namespaces,
      taken_up: (next.takenUp ?? []).map(({ namespace, from }) => ({
        namespace,
        from_hour: from / 1000,
      })),
      origin: next.origin,
      revision: String(next.revision),
    },
  ]);
  return next;
};

/** Records in `operations` who changed what. */
export const recordOperation = (
  client: ClickHouseClient,
  operation: { readonly kind: string; readonly subject: string; readonly detail?: object },
  actor: string = actorName(),
): Promise<void> =>
  insertRows(client, 'operations', [
    {
      actor,
      kind: operation.kind,
      subject: operation.subject,
      detail: JSON.stringify(operation.detail ?? {}),
    },
  ]);
