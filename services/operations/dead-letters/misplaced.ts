import { sourceName } from '../../shared/model/source.ts';
import type { ClickHouseClient } from '@clickhouse/client';
import { queryRows } from '../../shared/clickhouse/client.ts';
import { readSources } from '../../shared/sources/register.ts';
import { conditionOf, type LetterFilter } from './letters.ts';
import { recognisePartitioner, type Placement, type Recognition } from './partitioners.ts';

/**
 * Records of one epoch of a topic that are on wrong partitions, and the partitioner that put them there.
 */
export interface Misplaced extends Recognition {
  readonly topic: string;
  readonly epoch: number;
  /** The number of dead letters. Fewer keys are examined. */
  readonly letters: number;
}

const CODE = 'wrong-partition';

/** Enough to recognise a partitioner, and quick to read. */
const KEYS_PER_EPOCH = 1_000;

interface Row {
  readonly topic: string;
  readonly epoch: number;
  readonly partition: number;
  readonly key: string;
  readonly letters: string;
}

/** Looks for clients that use another partitioner, among the dead letters that match a filter. */
export const readMisplaced = async (
  client: ClickHouseClient,
  filter: LetterFilter,
): Promise<readonly Misplaced[]> => {
  if (filter.codes !== null && !filter.codes.includes(CODE)) return [];
  const { sql, params } = conditionOf({ ...filter, codes: [CODE] }, null);
  const rows = await queryRows<Row>(
    client,
    `SELECT topic, epoch, partition, base64Encode(record_key) AS key, toString(letters) AS letters
     FROM (
       SELECT d.topic AS topic, d.epoch AS epoch, d.partition AS partition,
         ifNull(d.record_key, '') AS record_key, max(d.offset) AS newest,
         sum(count()) OVER (PARTITION BY d.topic, d.epoch) AS letters
       FROM dead_letters AS d FINAL ${sql}
       GROUP BY d.topic, d.epoch, d.partition, d.record_key
     )
     ORDER BY topic, epoch, newest DESC, partition LIMIT ${String(KEYS_PER_EPOCH)} BY topic, epoch`,
    params,
  );
  if (rows.length === 0) return [];
  const partitionsOf = new Map(
    (await readSources(client)).map((source) => [sourceName(source), source.partitions]),
  );
  const epochs = new Map(rows.map((row) => [sourceName(row), row]));
  return [...epochs].flatMap(([name, { topic, epoch, letters }]): Misplaced[] => {
    const placements = rows.filter((row) => sourceName(row) === name).map(placementOf);
    const recognition = recognisePartitioner(placements, partitionsOf.get(name) ?? 1);
    return recognition ? [{ topic, epoch, letters: Number(letters), ...recognition }] : [];
  });
};

const placementOf = ({ key, partition }: Row): Placement => ({
  key: Buffer.from(key, 'base64'),
  partition,
});

/** The form for programs: the partitioner by its name. */
export const misplacedObject = ({ partitioner, ...rest }: Misplaced) => ({
  ...rest,
  partitioner: partitioner?.name ?? null,
  setting: partitioner?.setting ?? null,
});

/** Says in words what it means and what to do. */
export const formatMisplaced = ({
  topic,
  letters,
  partitioner,
  keys,
  agreeing,
}: Misplaced): string => {
  const number = (value: number): string => value.toLocaleString('en');
  const cause = partitioner
    ? [
        'This looks like a client with another partitioner:',
        `  ${agreeing === keys ? 'all' : `${number(agreeing)} of`} ${number(keys)} keys are where this one puts them: ${partitioner.what}.`,
        ...(agreeing === keys ? [] : ['  The other keys are from another client.']),
        `  1. In that client, set ${partitioner.setting}.`,
      ]
    : [
        'This looks like a client that chooses partitions without using the key:',
        `  no known partitioner puts the ${number(keys)} keys there.`,
        '  1. Let that client choose partitions by murmur2 of the key, as Java clients do (partitioner.ignore.keys=false),',
        '     not at random, round-robin or by hand.',
      ];
  return [
    `${topic}: ${number(letters)} dead letters are on wrong partitions. ${cause[0] ?? ''}`,
    ...cause.slice(1),
    `  2. "usagectl dlq redrive --code ${CODE} --topic ${topic} --yes" sends each to the right partition; it counts once.`,
  ].join('\n');
};
