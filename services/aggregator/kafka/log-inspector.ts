import type { Admin } from 'kafkajs';
import type { TopicPartition } from '../../shared/log-record.ts';
import type { LogBounds, LogInspector } from '../ports.ts';

/** Asks the broker which offsets a partition's log holds. */
export const kafkaLogInspector = (admin: Admin): LogInspector => ({
  bounds: async ({ topic, partition }: TopicPartition): Promise<LogBounds> => {
    const offsets = await admin.fetchTopicOffsets(topic);
    const found = offsets.find((entry) => entry.partition === partition);
    if (!found) throw new Error(`${topic} has no partition ${String(partition)}`);
    return { low: Number(found.low), high: Number(found.high) };
  },
});
