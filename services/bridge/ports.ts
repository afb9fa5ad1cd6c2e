import type { SourcePartition } from '../shared/model/source.ts';
import type { Hour } from '../shared/model/time.ts';
import type { CarryMove } from '../shared/model/carry-move.ts';
import type { Carriable, UsageCarry } from '../shared/model/usage-carry.ts';
import type { Outcome } from '../shared/billing/outcome.ts';
import type { BillingTerms } from '../shared/billing/billing-terms.ts';
import type { RequestNote } from './commerce/made-request.ts';
import type { BridgeCheckpoint, RefusedRecord } from './fold/bridge-fold.ts';
import type { Composition, Submission } from './fold/compose.ts';
import type { ComposedBefore, LeavingCarry } from './fold/source-progress.ts';

/** A composition with submissions that are still to be sent. */
export interface Unfinished {
  readonly at: SourcePartition;
  readonly hour: Hour;
  /** The offset of its first record on the aggregates topic. */
  readonly firstOffset: number;
  /** The number of submissions that are still to be sent. */
  readonly count: number;
}

/** A submission to be sent, with its hour. */
export interface Pending extends Carriable {
  readonly submission: Carriable['submission'] & Pick<Submission, 'planId'>;
}

/** A request to Commerce, or what would have been one in a dry run. */
export type RequestRecord =
  | RequestNote
  | {
      readonly operation: 'dry-run';
      readonly requestId: string;
      readonly correlationId: string;
      readonly sentAt: number;
      readonly submissionIds: readonly string[];
      readonly body: string;
    };

/** Where the bridge keeps what it has composed and sent. Any write may come late or be repeated. */
export interface Store {
  /** The terms in order. If several begin at the same hour, the one that was written first. */
  terms(): Promise<readonly BillingTerms[]>;
  checkpoint(partition: number): Promise<BridgeCheckpoint | null>;
  /** What is composed, and which carries were moved away, on a partition of the aggregates topic. */
  composedBefore(partition: number): Promise<ReadonlyMap<string, ComposedBefore>>;
  /** Compositions with submissions to send that have no outcome yet, in the order of their hours. */
  unfinished(partition: number): Promise<readonly Unfinished[]>;
  /** The submissions of a composition that are to be sent and have no outcome yet. */
  pendingOf(composition: Unfinished): Promise<readonly Pending[]>;

  /** Submissions of unknown meters that have not been released, in the order of their hours. */
  held(partition: number): Promise<readonly Pending[]>;

  writeSubmissions(compositions: readonly Composition[]): Promise<void>;
  /** Writes all of them or none. */
  writeCompositions(partition: number, compositions: readonly Composition[]): Promise<void>;
  writeRefused(partition: number, refused: readonly RefusedRecord[]): Promise<void>;
  writeCheckpoint(partition: number, checkpoint: BridgeCheckpoint): Promise<void>;
  writeOutcomes(outcomes: readonly Outcome[]): Promise<void>;
  /** @param partition the partition of the aggregates topic whose owner made them */
  writeRequests(partition: number, requests: readonly RequestRecord[]): Promise<void>;
  /**
   * Notes where carries go on to. From then on that stands, whatever the log of the place that they leave loses: each
   * has left, and owners of that log see to it that it arrives.
   */
  writeMoves(partition: number, carries: readonly LeavingCarry[]): Promise<void>;
  /** Carries that have left a partition of the aggregates topic last, as noted, and that are in no composition. */
  leaving(partition: number): Promise<readonly LeavingCarry[]>;
}

/** What the bridge writes to Kafka. */
export interface Outbox {
  /** Appends carries to the partitions that hold the aggregates of their source partitions. */
  appendCarries(carries: readonly UsageCarry[]): Promise<void>;
  /** Appends what moves carries on. */
  appendMoves(moves: readonly CarryMove[]): Promise<void>;
  /** Appends carries to the source partitions to which they were moved. */
  appendMoved(carries: readonly UsageCarry[]): Promise<void>;
}
