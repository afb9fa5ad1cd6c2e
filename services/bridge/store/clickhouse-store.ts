import type { ClickHouseClient } from '@clickhouse/client';
import { insertRows, queryRows } from '../../shared/clickhouse/client.ts';
import { OF_PARTITION } from '../../shared/clickhouse/of-partition.ts';
import { hourFromSeconds } from '../../shared/clickhouse/values.ts';
import { partitionName, type SourcePartition } from '../../shared/model/source.ts';
import type { Hour } from '../../shared/model/time.ts';
import type { BillingTerms } from '../../shared/billing/billing-terms.ts';
import type { BridgeCheckpoint, RefusedRecord } from '../fold/bridge-fold.ts';
import type { Composition } from '../fold/compose.ts';
import { stopOf, type ComposedBefore, type LeavingCarry } from '../fold/source-progress.ts';
import type { Outcome } from '../../shared/billing/outcome.ts';
import type { Pending, RequestRecord, Store, Unfinished } from '../ports.ts';
import {
  checkpointRow,
  compositionRow,
  moveRow,
  REFUSED_COLUMNS,
  refusedRow,
  requestRow,
  seconds,
  submissionRows,
  unbilledRows,
} from './rows.ts';
import { leavingCarries } from './waiting-carries.ts';
import { outcomeRow } from '../../shared/billing/outcome-row.ts';
import {
  submissionColumns,
  submissionFrom,
  type SubmissionColumns,
} from '../../shared/billing/submission-columns.ts';
import { readTerms } from '../../shared/billing/terms-table.ts';
import { unfinishedCompositions } from '../../shared/billing/unfinished-compositions.ts';

interface HourRow extends SourcePartition {
  readonly hour: number;
}

const placeOf = ({ topic, epoch, partition }: SourcePartition): SourcePartition => ({
  topic,
  epoch,
  partition,
});

/**
 * The submissions of a large hour are written in several inserts: they count only when their composition is stored.
 * Rows and their text exist for one insert at a time.
 */
const INSERT_ROWS = 5_000;

/** The bridge's tables in ClickHouse. */
export class ClickHouseStore implements Store {
  private readonly client: ClickHouseClient;
  /** The aggregates topic. */
  private readonly topic: string;
  /** The length of an hour of a source, in milliseconds. */
  private readonly hourMillis: (at: SourcePartition) => number;

  constructor(
    client: ClickHouseClient,
    topic: string,
    hourMillis: (at: SourcePartition) => number,
  ) {
    this.client = client;
    this.topic = topic;
    this.hourMillis = hourMillis;
  }

  terms(): Promise<readonly BillingTerms[]> {
    return readTerms(this.client);
  }

  async checkpoint(partition: number): Promise<BridgeCheckpoint | null> {
    const [row] = await queryRows<{
      readonly next_offset: string;
      readonly resume_offset: string;
      readonly last_record: string | null;
      readonly digest: string;
    }>(
      this.client,
      `SELECT toString(c.next_offset) AS next_offset, toString(resume_offset) AS resume_offset,
         toString(last_record) AS last_record, digest
       FROM bridge_checkpoints AS c FINAL
       WHERE topic = {topic:String} AND partition = {partition:UInt16}`,
      { topic: this.topic, partition },
    );
    return row
      ? {
          nextOffset: Number(row.next_offset),
          resumeOffset: Number(row.resume_offset),
          lastRecord:
            row.last_record === null
              ? null
              : { offset: Number(row.last_record), digest: row.digest },
        }
      : null;
  }

  async composedBefore(partition: number): Promise<ReadonlyMap<string, ComposedBefore>> {
    const rows = await queryRows<HourRow & { readonly carried: readonly string[] }>(
      this.client,
      `SELECT topic, epoch, partition, toUnixTimestamp(max(c.reported_hour)) AS hour,
         groupArrayArray(arrayMap(id -> toString(id), c.carries)) AS carried
       FROM compositions AS c FINAL WHERE log_partition = {partition:UInt16}
       GROUP BY topic, epoch, partition`,
      { partition },
    );
    const before = new Map(
      rows.map((row) => {
        const composedThrough: Hour | null = (hourFromSeconds(row.hour) +
          this.hourMillis(row)) as Hour;
        return [partitionName(row), { composedThrough, carried: new Set(row.carried) }] as const;
      }),
    );
    const moves = await queryRows<
      SourcePartition & { readonly moved: readonly (readonly [string, number])[] }
    >(
      this.client,
      `SELECT topic, epoch, partition, groupArray((toString(m.submission_id), m.moves)) AS moved
       FROM carry_moves AS m FINAL WHERE log_partition = {partition:UInt16}
       GROUP BY topic, epoch, partition`,
      { partition },
    );
    return new Map<string, ComposedBefore>([
      ...before,
      ...moves.map((row): [string, ComposedBefore] => {
        const { composedThrough = null, carried = [] } = before.get(partitionName(row)) ?? {};
        const moved = row.moved.map(([submissionId, count]) =>
          stopOf({ submissionId, moves: count }),
        );
        return [partitionName(row), { composedThrough, carried: new Set([...carried, ...moved]) }];
      }),
    ]);
  }

  async unfinished(partition: number): Promise<readonly Unfinished[]> {
    const rows = await queryRows<
      HourRow & { readonly first_offset: string; readonly count: string }
    >(
      this.client,
      `SELECT topic, epoch, partition, toUnixTimestamp(u.reported_hour) AS hour,
         toString(u.first_offset) AS first_offset, toString(u.pending) AS count
       FROM ${unfinishedCompositions('c.log_partition = {partition:UInt16}')} AS u
       ORDER BY u.reported_hour, topic, epoch, partition`,
      { partition },
    );
    return rows.map((row) => ({
      at: placeOf(row),
      hour: hourFromSeconds(row.hour),
      firstOffset: Number(row.first_offset),
      count: Number(row.count),
    }));
  }

  async pendingOf({ at, hour }: Unfinished): Promise<readonly Pending[]> {
    const rows = await queryRows<SubmissionRow>(
      this.client,
      `SELECT ${SUBMISSION} FROM commerce_submissions AS s FINAL
       WHERE ${OF_HOUR} AND decision = 'send' AND s.submission_id NOT IN (
         SELECT submission_id FROM commerce_outcomes WHERE ${OF_HOUR}
       )
       ORDER BY resource_key, dimension_key`,
      { ...placeOf(at), hour: seconds(hour) },
    );
    return rows.map((row) => ({ at, hour, submission: submissionOf(row) }));
  }

  async held(partition: number): Promise<readonly Pending[]> {
    const rows = await queryRows<HourRow & SubmissionRow>(
      this.client,
      `SELECT s.topic AS topic, s.epoch AS epoch, s.partition AS partition,
         toUnixTimestamp(s.reported_hour) AS hour, ${SUBMISSION}
       FROM commerce_submissions AS s FINAL
       WHERE decision = 'held'
         AND (s.topic, s.epoch, s.partition, s.reported_hour) IN (
           SELECT topic, epoch, partition, reported_hour FROM compositions
           WHERE log_partition = {partition:UInt16})
         AND s.submission_id NOT IN (SELECT submission_id FROM commerce_outcomes)
       ORDER BY s.reported_hour, topic, epoch, partition, resource_key, dimension_key`,
      { partition },
    );
    return rows.map((row) => ({
      at: placeOf(row),
      hour: hourFromSeconds(row.hour),
      submission: submissionOf(row),
    }));
  }

  async writeSubmissions(compositions: readonly Composition[]): Promise<void> {
    await this.insertInParts('commerce_submissions', submissionRows(compositions));
    await this.insertInParts('unbilled_usage', unbilledRows(compositions));
  }

  private async insertInParts(
    table: string,
    rows: Iterable<Readonly<Record<string, unknown>>>,
  ): Promise<void> {
    let part = [];
    for (const row of rows) {
      part.push(row);
      if (part.length < INSERT_ROWS) continue;
      await insertRows(this.client, table, part);
      part = [];
    }
    await insertRows(this.client, table, part);
  }

  writeCompositions(partition: number, compositions: readonly Composition[]): Promise<void> {
    const rows = compositions.map((composition) => compositionRow(partition, composition));
    return insertRows(this.client, 'compositions', rows);
  }

  writeMoves(partition: number, carries: readonly LeavingCarry[]): Promise<void> {
    return insertRows(
      this.client,
      'carry_moves',
      carries.map((carry) => moveRow(partition, carry)),
    );
  }

  leaving(partition: number): Promise<readonly LeavingCarry[]> {
    return leavingCarries(this.client, partition);
  }

  async writeRefused(partition: number, refused: readonly RefusedRecord[]): Promise<void> {
    await this.client.insert({
      table: 'bridge_dead_letters',
      values: refused.map((each) => refusedRow(this.topic, partition, each)),
      format: 'JSONEachRow',
      columns: REFUSED_COLUMNS,
    });
  }

  writeCheckpoint(partition: number, checkpoint: BridgeCheckpoint): Promise<void> {
    return insertRows(this.client, 'bridge_checkpoints', [
      checkpointRow(this.topic, partition, checkpoint),
    ]);
  }

  writeOutcomes(outcomes: readonly Outcome[]): Promise<void> {
    return insertRows(this.client, 'commerce_outcomes', outcomes.map(outcomeRow));
  }

  writeRequests(partition: number, requests: readonly RequestRecord[]): Promise<void> {
    const rows = requests.map((request) => requestRow(partition, request));
    return insertRows(this.client, 'commerce_requests', rows);
  }
}

interface SubmissionRow extends SubmissionColumns {
  readonly plan_id: string;
}

const SUBMISSION = `${submissionColumns('s')}, plan_id`;

const submissionOf = (row: SubmissionRow): Pending['submission'] => ({
  ...submissionFrom(row),
  planId: row.plan_id,
});

const OF_HOUR = `${OF_PARTITION}
  AND reported_hour = toDateTime({hour:UInt32}, 'UTC')`;
