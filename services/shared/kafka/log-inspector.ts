import type { Admin } from 'kafkajs';
import type { TopicPartition } from '../model/log-record.ts';
import { topicOffsets, type LogBounds } from './topics.ts';

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
