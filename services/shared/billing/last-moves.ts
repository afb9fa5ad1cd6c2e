const LAST = `Tuple(topic String, epoch UInt32, partition UInt16, to_topic String, to_epoch UInt32,
    to_partition UInt16, log_partition UInt16, at DateTime64(3, 'UTC'))`;

/**
 * A query: of each submission whose carry was moved, how often that had happened before its last move, and that move.
 * A carry is where it was moved last; one that a LEFT JOIN finds here with an empty `last.to_topic` never was.
 */
export const LAST_MOVES = `SELECT c.submission_id AS submission_id, max(c.moves) AS moves, argMax(
    tuple(c.topic, c.epoch, c.partition, c.to_topic, c.to_epoch, c.to_partition, c.log_partition, c.at)::${LAST},
    c.moves) AS last
  FROM carry_moves AS c FINAL GROUP BY submission_id`;
