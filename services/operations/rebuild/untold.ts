import type { ClickHouseClient } from '@clickhouse/client';
import { unframe } from '../../shared/avro/wire-format.ts';
import { queryRows } from '../../shared/clickhouse/client.ts';
import { OF_PARTITION, partitionParams } from '../../shared/clickhouse/of-partition.ts';
import type { Knowledge } from '../../shared/usage-fold/knowledge.ts';
import { parts } from './parts.ts';
import type { Comparison, DifferingRecord } from './row-differences.ts';

/**
 * Leaves out dead letters that nobody can judge any more. The fold finds valid usage in their records, from
 * before the floor of a trimmed ledger. The row that made it a duplicate or a conflict may have been
 * trimmed, and that row's record may have expired.
 */
export const withoutUntold = async (
  client: ClickHouseClient,
  { decoders }: Knowledge,
  { table, at, scratch, floor }: Comparison,
  records: readonly DifferingRecord[],
): Promise<readonly DifferingRecord[]> => {
  const inQuestion = records.filter(
    ({ kind, given }) => kind === 'phantom' || given === 'conflict',
  );
  const untold = new Set<number>();
  const valuesIn = (name: string, offsets: readonly number[]): string =>
    `SELECT toString(t.offset) AS offset, base64Encode(coalesce(t.record_value, '')) AS value
     FROM ${name} AS t WHERE ${OF_PARTITION} AND t.offset IN (${offsets.join(', ')})`;
  for (const part of parts(
    inQuestion.map(({ offset }) => offset),
    VALUES,
  )) {
    const rows = await queryRows<{ offset: string; value: string }>(
      client,
      `${valuesIn(scratch, part)} UNION ALL ${valuesIn(table.name, part)}`,
      partitionParams(at),
    );
    for (const { offset, value } of rows) {
      const framed = unframe(Buffer.from(value, 'base64'));
      const decoded = framed && decoders.get(framed.schemaId)?.(framed.datum);
      if (decoded?.ok && decoded.value.usageStartTime < floor) untold.add(Number(offset));
    }
  }
  return records.filter(({ offset }) => !untold.has(offset));
};

/** The most values that are read at once: they may be large. */
const VALUES = 100;
