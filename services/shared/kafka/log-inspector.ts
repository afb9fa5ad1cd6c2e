import type { Admin } from 'kafkajs';
import type { TopicPartition } from '../log-record.ts';
import { topicOffsets } from './topics.ts';

/** The offsets that a partition's log holds: `low` is its first record, `high` one past its last. */
export interface LogBounds {
  readonly low: number;
  readonly high: number;
}

export interface LogInspector {
  bounds(at: TopicPartition): Promise<LogBounds>;
}

/** Asks the broker which offsets a partition's log holds. */
export const kafkaLogInspector = (admin: Admin): LogInspector => ({
  bounds: async ({ topic, partition }: TopicPartition): Promise<LogBounds> => {
    const found = (await topicOffsets(admin, topic)).find((entry) => entry.partition === partition);
    if (!found) throw new Error(`${topic} has no partition ${String(partition)}`);
    return found;
  },
});
