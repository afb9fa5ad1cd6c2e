import type { ClickHouseClient } from '@clickhouse/client';
import type { SourcePartition } from '../../shared/model/source.ts';
import type { Values } from './differences.ts';
import { OF_PARTITION, partitionParams, storedRows } from './stored-rows.ts';

/**
 * What is wrong with generation and version, which decide which row of a window counts. A row with a wrong
 * version would win over later rows or lose against earlier ones.
 */
export const orderProblem = (
  [generation, version]: Values,
  ofFirst: number,
  generations: ReadonlySet<number>,
): string | null => {
  const expected = String((BigInt(Number(generation)) << 48n) + BigInt(ofFirst));
  if (version !== expected) {
    return `generation is ${String(generation)} and version is ${String(version)}, recounted ${expected}`;
  }
  return generation === 0 || generations.has(Number(generation))
    ? null
    : `generation is ${String(generation)}, and no restatement of it is recorded`;
};

/** The generations of a partition's restatements. */
export const recordedGenerations = async (
  client: ClickHouseClient,
  at: SourcePartition,
): Promise<ReadonlySet<number>> => {
  const found = new Set<number>();
  const query = `SELECT DISTINCT t.generation FROM restatements AS t WHERE ${OF_PARTITION}`;
  for await (const [generation] of storedRows(client, query, partitionParams(at))) {
    found.add(Number(generation));
  }
  return found;
};
