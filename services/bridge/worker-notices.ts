import type { Logger } from 'pino';
import type { LogHalt } from '../shared/kafka/log-recognition.ts';
import { partitionName } from '../shared/model/source.ts';
import { isoText } from '../shared/model/time.ts';
import type { BridgeCheckpoint, BridgeChunk } from './fold/bridge-fold.ts';
import type { Recovered } from './recover-lost.ts';
import type { Composition } from './fold/compose.ts';

/** Such a batch must not be skipped: it may hold aggregates of any source, which must be billed. */
export const WAY_OUT =
  'Nothing after it in this partition is billed until it can be read: restore it from a replica or a backup. "usagectl loss accept" is for live topics, not for this one';

/** A source partition whose hours cannot be composed, and why. */
export interface BlockedSource {
  readonly source: string;
  readonly reason: string;
}

/** What a worker writes to its log for people. */
export class WorkerNotices {
  private readonly topic: string;
  private readonly logger: Logger;
  /** Reasons that were already logged. They apply until somebody does something. */
  private readonly told = new Set<string>();

  constructor(topic: string, logger: Logger) {
    this.topic = topic;
    this.logger = logger;
  }

  resumed(checkpoint: BridgeCheckpoint, unfinished: number): void {
    this.logger.info({ ...checkpoint, unfinished }, 'resumed');
  }

  halted({ code, message }: LogHalt): void {
    this.logger.error({ code }, `this partition of ${this.topic} has halted: ${message}`);
  }

  /** What expired unread has been published again. */
  recovered(
    lost: { readonly from: number; readonly to: number },
    { hours, carries }: Recovered,
  ): void {
    this.logger.warn(
      { ...lost, hours, carries },
      `records of ${this.topic} expired before they were billed: what they said was derived from the usage tables and published again`,
    );
  }

  blocked(sources: readonly BlockedSource[]): void {
    for (const { source, reason } of sources) {
      if (this.told.has(reason)) continue;
      this.told.add(reason);
      this.logger.error({ source }, `a source partition is not billed: ${reason}`);
    }
  }

  composed(compositions: readonly Composition[]): void {
    for (const { at, hour, aggregates, submissions } of compositions) {
      this.logger.debug(
        {
          source: partitionName(at),
          hour: isoText(hour),
          aggregates,
          submissions: submissions.length,
        },
        'composed',
      );
    }
  }

  unfit(markers: BridgeChunk['unfit']): void {
    for (const { at, hour, offset, expected, found } of markers) {
      this.logger.warn(
        { source: partitionName(at), hour: isoText(hour), offset, expected, found },
        'a closed marker does not match the parts of its hour before it: the hour must be published again',
      );
    }
  }

  refused(records: BridgeChunk['refused']): void {
    // A flood on the topic must not become a flood in the log.
    const [first] = records;
    if (first === undefined) return;
    this.logger.warn(
      { records: records.length, offset: first.record.offset, code: first.code },
      `records were refused, and are in bridge_dead_letters; the first: ${first.message}`,
    );
  }
}
