/**
 * SQL of the compositions `c` that meet a condition and have submissions to send without an outcome, as a table with the
 * columns `topic`, `epoch`, `partition`, `reported_hour`, `first_offset` and `pending`, the number of those submissions.
 * A held submission that was released has an outcome, but was not to be sent.
 */
export const unfinishedCompositions = (condition: string): string =>
  `(
    SELECT c.topic AS topic, c.epoch AS epoch, c.partition AS partition, c.reported_hour AS reported_hour,
      c.first_offset AS first_offset, c.to_send - o.outcomes AS pending
    FROM compositions AS c FINAL
    LEFT JOIN (
      SELECT topic, epoch, partition, reported_hour, countIf(code != 'released') AS outcomes
      FROM commerce_outcomes FINAL GROUP BY topic, epoch, partition, reported_hour
    ) AS o ON o.topic = c.topic AND o.epoch = c.epoch AND o.partition = c.partition
      AND o.reported_hour = c.reported_hour
    WHERE ${condition} AND o.outcomes < c.to_send
  )`;
