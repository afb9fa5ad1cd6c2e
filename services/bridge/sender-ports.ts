import type { Logger } from 'pino';
import type { Commerce } from './commerce/commerce-client.ts';
import type { Gate } from './commerce/gate.ts';
import type { CannotCarry } from './look-up.ts';
import type { Outbox, Store, Unfinished } from './ports.ts';

export interface SenderOptions {
  /** The longest pause between two attempts, in milliseconds. */
  readonly retryMillis: number;
  /** The most by which the clocks of Commerce's servers differ, in milliseconds. */
  readonly clockSkewMillis: number;
}

export interface SenderPorts {
  /** The partition of the aggregates topic whose usage it sends. */
  readonly partition: number;
  readonly store: Pick<Store, 'pendingOf' | 'writeOutcomes' | 'writeRequests'>;
  readonly commerce: Commerce;
  /** The way to Commerce, which all partitions share. */
  readonly gate: Gate;
  readonly outbox: Outbox;
  /** Reads what determines whether a submission's quantity can go into a later composition. */
  readonly cannotCarry: () => Promise<CannotCarry>;
  /** Called when the last submission of a composition has its outcome. */
  readonly finished: (composition: Unfinished) => void;
  readonly now: () => number;
  readonly logger: Logger;
  /** Runs a step again until it succeeds or the sender is dropped. */
  readonly persist: <T>(what: string, step: () => Promise<T>, signal: AbortSignal) => Promise<T>;
}

export interface SenderStatus {
  readonly pending: number;
  /** What keeps it from sending; null while all is well. */
  readonly lastError: string | null;
  /** Milliseconds for which sending, looking up, or storing for it has been tried without success. */
  readonly notSentFor: number;
}
