import type { ClickHouseClient } from '@clickhouse/client';
import { queryRows } from '../../../services/shared/clickhouse/client.ts';
import { partitionName, type SourcePartition } from '../../../services/shared/model/source.ts';

interface Counted extends SourcePartition {
  readonly read: string;
  readonly counted: string;
  readonly accepted: string;
  readonly dead_lettered: string;
  readonly in_windows: string;
  readonly in_ledger: string;
  readonly in_dead_letters: string;
}

const PLACE = 'topic, epoch, partition';

/**
 * The conservation law of every partition that has a checkpoint: each record of the log is in one
 * of the counts, each accepted event in one window and once in the ledger. For a pipeline at
 * rest: rows are written before the checkpoint that covers them.
 * @returns what does not add up, in words.
 */
export const conservationProblems = async (
  client: ClickHouseClient,
): Promise<readonly string[]> => {
  const rows = await queryRows<Counted>(
    client,
    `SELECT ${PLACE},
      toString(c.next_offset - c.first_offset) AS read,
      toString(c.accepted + c.duplicate + c.dead_lettered + c.control + c.lost) AS counted,
      toString(c.accepted) AS accepted, toString(c.dead_lettered) AS dead_lettered,
      toString(w.n) AS in_windows, toString(l.n) AS in_ledger, toString(d.n) AS in_dead_letters
    FROM (SELECT * FROM checkpoints FINAL) AS c
    LEFT JOIN (SELECT ${PLACE}, sum(event_count) AS n FROM usage_hourly FINAL GROUP BY ${PLACE}) AS w
      USING (${PLACE})
    LEFT JOIN (SELECT ${PLACE}, count() AS n FROM usage_events FINAL GROUP BY ${PLACE}) AS l
      USING (${PLACE})
    LEFT JOIN (SELECT ${PLACE}, count() AS n FROM dead_letters FINAL GROUP BY ${PLACE}) AS d
      USING (${PLACE})
    ORDER BY ${PLACE}`,
  );
  return rows.flatMap((row) => {
    const name = partitionName(row);
    const claims: readonly (readonly [string, string, string])[] = [
      ['records read', row.read, row.counted],
      ['accepted events and those in windows', row.accepted, row.in_windows],
      ['accepted events and rows in the ledger', row.accepted, row.in_ledger],
      ['dead-lettered records and rows', row.dead_lettered, row.in_dead_letters],
    ];
    return claims
      .filter(([, a, b]) => a !== b)
      .map(([what, a, b]) => `conservation ${name}: ${what} are ${a} and ${b}`);
  });
};
