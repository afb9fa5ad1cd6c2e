import type { LogHalt } from '../shared/kafka/log-recognition.ts';
import type { SenderStatus } from './sender-ports.ts';
import type { BlockedSource } from './worker-notices.ts';

/** A worker's progress. Offsets are null before it has read its checkpoint. */
export interface WorkerStatus extends SenderStatus {
  readonly partition: number;
  readonly nextOffset: number | null;
  readonly resumeOffset: number | null;
  /** The number of hours composed by this process. */
  readonly compositions: number;
  readonly halt: LogHalt | null;
  /** Milliseconds since it began the step (reading, composing or storing) that has not ended yet. */
  readonly atStepFor: number;
  readonly blocked: readonly BlockedSource[];
}
