import type { RecordHeaders } from './control-record.ts';
import type { Millis } from './time.ts';

/** A record in the log of a partition. */
export interface LogRecord {
  readonly offset: number;
  /** The broker's append time in live topics, the writer's in history topics. */
  readonly timestamp: Millis;
  readonly key: Buffer | null;
  readonly value: Buffer | null;
  readonly headers: RecordHeaders;
}

export interface TopicPartition {
  readonly topic: string;
  readonly partition: number;
}
