import type { TopicPartition } from '../model/log-record.ts';
import type { LogBounds } from './topics.ts';

/** Reports which offsets a partition's log holds. */
export interface LogInspector {
  bounds(at: TopicPartition): Promise<LogBounds>;
}
