import type { BillingTerms } from '../../../services/shared/billing/billing-terms.ts';
import type { BridgeCheckpoint, RefusedRecord } from '../../../services/bridge/fold/bridge-fold.ts';
import type { Composition, Submission } from '../../../services/bridge/fold/compose.ts';
import {
  arrived,
  stopOf,
  type ComposedBefore,
  type LeavingCarry,
} from '../../../services/bridge/fold/source-progress.ts';
import type { Outcome, OutcomeKind } from '../../../services/shared/billing/outcome.ts';
import type { Pending, Store, Unfinished } from '../../../services/bridge/ports.ts';
import { partitionName, type SourcePartition } from '../../../services/shared/model/source.ts';
import type { Hour } from '../../../services/shared/model/time.ts';
import { carryOf, type UsageCarry } from '../../../services/shared/model/usage-carry.ts';
import type { UnbilledSubmission } from '../../../services/operations/carries/unbilled-submissions.ts';
import type { PortCalls } from '../port-calls.ts';

/** An outcome that was decided by Commerce outranks one that was decided without it; an alarm all. */
const RANKS: Readonly<Record<OutcomeKind, number>> = {
  'dead-lettered': 1,
  carried: 2,
  duplicate: 3,
  accepted: 4,
  mismatch: 5,
};

export interface StoredComposition {
  readonly logPartition: number;
  readonly composition: Composition;
}

export interface BridgeStoreObserver {
  /** A composition counts from now on. */
  composed(composition: Composition): void;
  outcome(outcome: Outcome): void;
}

const hourKey = (at: SourcePartition, hour: Hour): string => `${partitionName(at)} ${String(hour)}`;

/**
 * The bridge's tables as ClickHouse keeps them: each insert is applied as a whole; a row replaces the one with
 * its key unless that has a higher version; among equal versions the last insert wins.
 */
export class BridgeStore {
  terms: readonly BillingTerms[];
  readonly compositions = new Map<string, StoredComposition>();
  readonly outcomes = new Map<string, Outcome>();
  /** By log partition and offset. */
  readonly refused = new Map<string, RefusedRecord>();
  readonly checkpoints = new Map<number, BridgeCheckpoint>();
  /** By source partition and submission, with the partition of the log. */
  readonly moves = new Map<string, { readonly partition: number; readonly move: LeavingCarry }>();
  /** By hour, then by id. */
  private readonly submissions = new Map<string, Map<string, Submission>>();
  private readonly observer: BridgeStoreObserver;

  constructor(terms: readonly BillingTerms[], observer: BridgeStoreObserver) {
    this.terms = terms;
    this.observer = observer;
  }

  /** The store as one process sees it: each of its requests waits for its turn. */
  portOf(calls: PortCalls, owner: object): Store {
    return {
      terms: () => calls.read(owner, () => this.terms),
      checkpoint: (partition) => calls.read(owner, () => this.checkpoints.get(partition) ?? null),
      composedBefore: (partition) => calls.read(owner, () => this.composedBefore(partition)),
      unfinished: (partition) => calls.read(owner, () => this.unfinished(partition)),
      pendingOf: ({ at, hour }) => calls.read(owner, () => this.pendingOf(at, hour)),
      held: (partition) => calls.read(owner, () => this.heldOf(partition)),
      writeMoves: (partition, moves) =>
        calls.write(owner, () => {
          for (const move of moves) {
            this.moves.set(`${partitionName(move)} ${stopOf(move)}`, { partition, move });
          }
        }),
      leaving: (partition) => calls.read(owner, () => this.leaving(partition)),
      // Many rows go in several inserts.
      writeSubmissions: async (compositions) => {
        for (const composition of compositions) {
          await calls.write(owner, () => this.insertSubmissions(composition));
        }
      },
      writeCompositions: (partition, compositions) =>
        calls.write(owner, () => this.insertCompositions(partition, compositions)),
      writeRefused: (partition, refused) =>
        calls.write(owner, () => {
          for (const each of refused) {
            this.refused.set(`${String(partition)} ${String(each.record.offset)}`, each);
          }
        }),
      writeCheckpoint: (partition, checkpoint) =>
        calls.write(owner, () => {
          const before = this.checkpoints.get(partition);
          if (before && before.nextOffset > checkpoint.nextOffset) return;
          this.checkpoints.set(partition, checkpoint);
        }),
      writeOutcomes: (outcomes) => calls.write(owner, () => this.insertOutcomes(outcomes)),
      // They explain, and decide nothing.
      writeRequests: () => calls.write(owner, () => undefined),
    };
  }

  submissionsOf(at: SourcePartition, hour: Hour): readonly Submission[] {
    return [...(this.submissions.get(hourKey(at, hour))?.values() ?? [])];
  }

  compositionOf(at: SourcePartition, hour: Hour): Composition | null {
    return this.compositions.get(hourKey(at, hour))?.composition ?? null;
  }

  unfinished(partition: number): readonly Unfinished[] {
    return [...this.compositions.values()]
      .filter(({ logPartition }) => logPartition === partition)
      .map(({ composition: { at, hour, firstOffset } }) => {
        return { at, hour, firstOffset, count: this.pendingOf(at, hour).length };
      })
      .filter(({ count }) => count > 0)
      .sort((a, b) => a.hour - b.hour);
  }

  /** Submissions of an outcome that is none, or may be mended. */
  unbilled(outcome: 'held' | 'dead-lettered'): readonly UnbilledSubmission[] {
    const compositions = [...this.compositions.values()].map(({ composition }) => composition);
    compositions.sort((a, b) => a.hour - b.hour);
    return compositions.flatMap(({ at, hour }) =>
      this.submissionsOf(at, hour).flatMap((submission) => {
        const { decision, submissionId } = submission;
        const found = this.outcomes.get(submissionId);
        const is = outcome === 'held' ? decision === 'held' && !found : found?.kind === outcome;
        const { code = '', message = '' } = found ?? {};
        return is ? [{ at, hour, submission, code, message }] : [];
      }),
    );
  }

  /** Carries that are in no composition, wherever they were last moved. */
  waitingCarries(): readonly UsageCarry[] {
    const waiting = this.lastMoves().map(({ move }) => arrived(move));
    const moved = new Set(waiting.map(({ submissionId }) => submissionId));
    for (const { kind, code, pending } of this.outcomes.values()) {
      if (kind !== 'carried' || moved.has(pending.submission.submissionId)) continue;
      waiting.push(
        carryOf(pending, code === 'released' || code === 'resubmitted' ? code : 'expired'),
      );
    }
    const inside = this.carriedIds();
    return waiting.filter(({ submissionId }) => !inside.has(submissionId));
  }

  private leaving(logPartition: number): readonly LeavingCarry[] {
    const inside = this.carriedIds();
    return this.lastMoves().flatMap(({ partition, move }) =>
      partition === logPartition && !inside.has(move.submissionId) ? [move] : [],
    );
  }

  private carriedIds(): ReadonlySet<string> {
    return new Set(
      [...this.compositions.values()].flatMap(({ composition }) =>
        composition.carries.map(({ submissionId }) => submissionId),
      ),
    );
  }

  /** The last move of each carry that was moved. */
  private lastMoves() {
    const last = new Map<string, { readonly partition: number; readonly move: LeavingCarry }>();
    for (const each of this.moves.values()) {
      const { submissionId, moves } = each.move;
      if (moves >= (last.get(submissionId)?.move.moves ?? 0)) last.set(submissionId, each);
    }
    return [...last.values()];
  }

  insertOutcomes(outcomes: readonly Outcome[]): void {
    for (const outcome of outcomes) this.insertOutcome(outcome);
  }

  private heldOf(partition: number): readonly Pending[] {
    return this.unbilled('held')
      .filter(
        ({ at, hour }) => this.compositions.get(hourKey(at, hour))?.logPartition === partition,
      )
      .map(({ at, hour, submission }) => ({ at, hour, submission: { planId: '', ...submission } }));
  }

  private pendingOf(at: SourcePartition, hour: Hour): readonly Pending[] {
    return this.submissionsOf(at, hour)
      .filter(
        ({ decision, submissionId }) => decision === 'send' && !this.outcomes.has(submissionId),
      )
      .map((submission) => ({ at, hour, submission }));
  }

  composedBefore(partition: number): ReadonlyMap<string, ComposedBefore> {
    const before = new Map<string, { composedThrough: Hour | null; carried: Set<string> }>();
    for (const { logPartition, composition } of this.compositions.values()) {
      if (logPartition !== partition) continue;
      const name = partitionName(composition.at);
      const end = (composition.hour + this.hourMillis) as Hour;
      const found = before.get(name) ?? { composedThrough: end, carried: new Set<string>() };
      before.set(name, found);
      if (end > (found.composedThrough ?? 0)) found.composedThrough = end;
      for (const { submissionId } of composition.carries) found.carried.add(submissionId);
    }
    for (const { partition: of, move } of this.moves.values()) {
      if (of !== partition) continue;
      const name = partitionName(move);
      const found = before.get(name) ?? { composedThrough: null, carried: new Set<string>() };
      before.set(name, found);
      found.carried.add(stopOf(move));
    }
    return before;
  }

  /** The length of an hour, in milliseconds. */
  hourMillis = 3_600_000;

  private insertSubmissions({ at, hour, submissions }: Composition): void {
    const key = hourKey(at, hour);
    const rows = this.submissions.get(key) ?? new Map<string, Submission>();
    this.submissions.set(key, rows);
    for (const submission of submissions) rows.set(submission.submissionId, submission);
    const composed = this.compositions.get(key);
    if (composed) this.observer.composed(composed.composition);
  }

  private insertCompositions(logPartition: number, compositions: readonly Composition[]): void {
    for (const composition of compositions) {
      this.compositions.set(hourKey(composition.at, composition.hour), {
        logPartition,
        composition,
      });
    }
    for (const composition of compositions) this.observer.composed(composition);
  }

  private insertOutcome(outcome: Outcome): void {
    this.observer.outcome(outcome);
    const { submissionId } = outcome.pending.submission;
    const before = this.outcomes.get(submissionId);
    if (before && RANKS[before.kind] > RANKS[outcome.kind]) return;
    this.outcomes.set(submissionId, outcome);
  }
}
