import type { SourcePartition } from '../model/source.ts';

/** The condition for rows of one partition of a source; `partitionParams` gives its values. */
export const OF_PARTITION =
  'topic = {topic:String} AND epoch = {epoch:UInt32} AND partition = {partition:UInt16}';

export const partitionParams = ({
  topic,
  epoch,
  partition,
}: SourcePartition): Record<string, unknown> => ({ topic, epoch, partition });
