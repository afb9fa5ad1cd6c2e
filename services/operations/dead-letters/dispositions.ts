import type { ClickHouseClient } from '@clickhouse/client';
import { insertRows, queryRows } from '../../shared/clickhouse/client.ts';
import { OF_PARTITION } from '../../shared/clickhouse/of-partition.ts';
import { millis, type Millis } from '../../shared/model/time.ts';
import type { Position } from './position.ts';

/** What was done about a dead letter. */
export interface Disposition {
  readonly disposition: 'redriven' | 'discarded';
  readonly actor: string;
  readonly reason: string;
  readonly at: Millis;
  /** The position of the redriven record; null for a discard. */
  readonly to: Position | null;
}

export type NewDisposition = Omit<Disposition, 'at'>;

interface DispositionRow {
  readonly topic: string;
  readonly epoch: number;
  readonly partition: number;
  readonly offset: string;
  readonly at: string;
  readonly disposition: Disposition['disposition'];
  readonly actor: string;
  readonly reason: string;
  readonly to_topic: string;
  readonly to_epoch: number | null;
  readonly to_partition: number | null;
  readonly to_offset: string | null;
}

const COLUMNS = `topic, epoch, partition, toString(d.offset) AS offset,
  toString(toUnixTimestamp64Milli(d.at)) AS at, disposition, actor, reason, to_topic, to_epoch,
  to_partition, toString(d.to_offset) AS to_offset`;

/** Records dispositions, as one block. */
export const writeDispositions = (
  client: ClickHouseClient,
  entries: readonly { readonly letter: Position; readonly disposition: NewDisposition }[],
): Promise<void> =>
  insertRows(
    client,
    'dispositions',
    entries.map(({ letter, disposition: { disposition, actor, reason, to } }) => ({
      topic: letter.topic,
      epoch: letter.epoch,
      partition: letter.partition,
      offset: letter.offset,
      disposition,
      actor,
      reason,
      to_topic: to?.topic ?? '',
      to_epoch: to?.epoch ?? null,
      to_partition: to?.partition ?? null,
      to_offset: to?.offset ?? null,
    })),
  );

const dispositionOf = (row: DispositionRow): Disposition => ({
  disposition: row.disposition,
  actor: row.actor,
  reason: row.reason,
  at: millis(Number(row.at)),
  to:
    row.to_epoch === null || row.to_partition === null || row.to_offset === null
      ? null
      : {
          topic: row.to_topic,
          epoch: row.to_epoch,
          partition: row.to_partition,
          offset: Number(row.to_offset),
        },
});

/** The dispositions of a dead letter, in order of time. */
const readDispositions = async (
  client: ClickHouseClient,
  position: Position,
): Promise<readonly Disposition[]> => {
  const { topic, epoch, partition, offset } = position;
  const rows = await queryRows<DispositionRow>(
    client,
    `SELECT ${COLUMNS} FROM dispositions AS d
     WHERE ${OF_PARTITION} AND d.offset = {offset:UInt64} ORDER BY d.at`,
    { topic, epoch, partition, offset },
  );
  return rows.map(dispositionOf);
};

/** The dead letter that was redriven to this position; null if there is none. */
const redrivenTo = async (
  client: ClickHouseClient,
  { topic, epoch, partition, offset }: Position,
): Promise<(Disposition & { readonly letter: Position }) | null> => {
  const [row] = await queryRows<DispositionRow>(
    client,
    `SELECT ${COLUMNS} FROM dispositions AS d
     WHERE to_topic = {topic:String} AND to_epoch = {epoch:UInt32} AND to_partition = {partition:UInt16}
       AND d.to_offset = {offset:UInt64} LIMIT 1`,
    { topic, epoch, partition, offset },
  );
  if (!row) return null;
  const letter = { topic: row.topic, epoch: row.epoch, partition: row.partition };
  return { ...dispositionOf(row), letter: { ...letter, offset: Number(row.offset) } };
};

/** The dispositions of a dead letter and of the dead letters from which it was redriven, oldest first. */
export const historyOf = async (
  client: ClickHouseClient,
  position: Position,
): Promise<readonly (Disposition & { readonly letter: Position })[]> => {
  const history = (await readDispositions(client, position)).map((entry) => ({
    ...entry,
    letter: position,
  }));
  // A record is always later than the one from which it was redriven, so this ends.
  let earlier = await redrivenTo(client, position);
  while (earlier) {
    history.unshift(earlier);
    earlier = await redrivenTo(client, earlier.letter);
  }
  return history;
};
