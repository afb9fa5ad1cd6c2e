import type { SourcePartition } from '../shared/model/source.ts';
import type { Hour } from '../shared/model/time.ts';
import type { UsageCarry } from '../shared/model/usage-carry.ts';
import type { BillingTerms } from '../shared/billing/billing-terms.ts';
import type { BridgeCheckpoint, RefusedRecord } from './fold/bridge-fold.ts';
import type { Composition, Submission } from './fold/compose.ts';
import type { ComposedBefore } from './fold/source-progress.ts';

/** A composition of which something is still to be sent. */
export interface Unfinished {
  readonly at: SourcePartition;
  readonly hour: Hour;
  /** Offset of its first record on the aggregates topic. */
  readonly firstOffset: number;
  /** Submissions that are still to be sent. */
  readonly count: number;
}

/** A submission that is to be sent, with the hour it belongs to. */
export interface Pending {
  readonly at: SourcePartition;
  readonly hour: Hour;
  readonly submission: Pick<
    Submission,
    'submissionId' | 'resourceUri' | 'dimension' | 'quantity' | 'planId'
  >;
}

/**
 * What became of a submission; each is final.
 * - `accepted`: Commerce took it now
 * - `duplicate`: it had taken it before, with the same quantity: the same double
 * - `mismatch`: it holds another quantity, and keeps it: an alarm
 * - `carried`: it takes it no more, and the quantity goes into a later composition
 * - `dead-lettered`: it takes it not at all, or no more and nothing can carry it
 */
export type OutcomeKind = 'accepted' | 'duplicate' | 'mismatch' | 'carried' | 'dead-lettered';

export interface Outcome {
  readonly pending: Pending;
  readonly kind: OutcomeKind;
  /** The double that Commerce holds. */
  readonly acceptedQuantity: number | null;
  readonly usageEventId: string;
  readonly code: string;
  readonly message: string;
}

/** Where the bridge keeps what it has composed and sent. Every write may be repeated, late or twice. */
export interface Store {
  /** In order; of several that begin at one hour, the first written. */
  terms(): Promise<readonly BillingTerms[]>;
  checkpoint(partition: number): Promise<BridgeCheckpoint | null>;
  /** What is composed of the source partitions on a partition of the aggregates topic. */
  composedBefore(partition: number): Promise<ReadonlyMap<string, ComposedBefore>>;
  /** Compositions with something to send that has no outcome yet, in order of their hours. */
  unfinished(partition: number): Promise<readonly Unfinished[]>;
  /** What of a composition is to be sent and has no outcome yet. */
  pendingOf(composition: Unfinished): Promise<readonly Pending[]>;

  writeSubmissions(compositions: readonly Composition[]): Promise<void>;
  /** All of them, or none. */
  writeCompositions(partition: number, compositions: readonly Composition[]): Promise<void>;
  writeRefused(partition: number, refused: readonly RefusedRecord[]): Promise<void>;
  writeCheckpoint(partition: number, checkpoint: BridgeCheckpoint): Promise<void>;
  writeOutcomes(outcomes: readonly Outcome[]): Promise<void>;
}

/** What the bridge writes to Kafka. */
export interface Outbox {
  /** Appends carries to where the aggregates of their source partitions are. */
  appendCarries(carries: readonly UsageCarry[]): Promise<void>;
}
