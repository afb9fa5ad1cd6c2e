import type { SpoolStatus } from './spool/spool.ts';

/** An encoded event on its way. */
export interface EncodedEvent {
  readonly key: string;
  readonly value: Buffer;
}

/** How events get to the broker: straight from memory, or by way of a spool on disk. */
export interface Route {
  /** Resolves when they are safe: with the broker, or on the disk. */
  deliver(events: readonly EncodedEvent[]): Promise<void>;
  /** Resolves when everything that was delivered before is with the broker. */
  flush(): Promise<void>;
  close(): Promise<void>;
  status(): RouteStatus;
}

export interface RouteStatus {
  /** Null until a broker has answered. */
  readonly partitions: number | null;
  /** Events that the broker has acknowledged. A usage of several hours is several events. */
  readonly sentEvents: number;
  /** Events that wait in memory, and what they take there. */
  readonly bufferedEvents: number;
  readonly bufferedBytes: number;
  /** Calls of `emit` that wait for room. */
  readonly waitingCalls: number;
  /** Why the last attempt to send failed; null after one that succeeded. */
  readonly problem: string | null;
  /** What waits on disk; null without a spool. */
  readonly spool: SpoolStatus | null;
}
