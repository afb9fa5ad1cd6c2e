import type { Logger } from 'pino';
import { meterTerms, termsOf, type BillingTerms } from '../shared/billing/billing-terms.ts';
import type { CarryMove } from '../shared/model/carry-move.ts';
import { asciiLower } from '../shared/model/placement.ts';
import { partitionName, type SourcePartition } from '../shared/model/source.ts';
import { isoText, type Hour } from '../shared/model/time.ts';
import { carryOf } from '../shared/model/usage-carry.ts';
import type { BridgeState } from './fold/bridge-fold.ts';
import type { Composition } from './fold/compose.ts';
import { arrived, stopOf, type LeavingCarry, type SourceProgress } from './fold/source-progress.ts';
import { outcomeOf } from '../shared/billing/outcome.ts';
import type { Outbox, Pending, Store } from './ports.ts';
import type { SourceRegister } from './source-register.ts';

export interface CarryKeeperPorts {
  readonly store: Pick<Store, 'terms' | 'held' | 'writeMoves' | 'leaving' | 'writeOutcomes'>;
  readonly outbox: Outbox;
  readonly register: Pick<SourceRegister, 'movesTo' | 'targetOf'>;
  readonly logger: Logger;
  /** Runs a step again until it succeeds. */
  readonly persist: <T>(what: string, step: () => Promise<T>) => Promise<T>;
  readonly now: () => number;
}

/**
 * Held usage is looked at again after so long: a log of which no hour is composed any more learns by nothing else that
 * there are new terms.
 */
const LOOK_AGAIN_MILLIS = 600_000;

/**
 * Moves quantities on for the owner of a log partition, beside what its sender carries:
 *
 * - a carry that waits where no later hour will take it gets a `moved` record. The first one in the log
 *   counts, and only once it is read the move is noted, and then the carry appended at its new place. The note is
 *   first, so that a carry is at its new place only if that is known without the log: if the log lost the move, the
 *   carry could be moved to a second place. The owner after a crash appends again what is noted; the first one
 *   counts there too
 * - a submission of an unknown meter is released when the terms of the next hour know the meter
 *
 * What is in the log decides, so it does no harm that two owners do this at once.
 */
export class CarryKeeper {
  private readonly partition: number;
  private readonly ports: CarryKeeperPorts;
  /** Carries for which this process has asked for a move, by `stopOf`. */
  private readonly asked = new Set<string>();
  /** Whether carries may have left that are not at their new place: an earlier owner may have died in between. */
  private mayBeOnTheWay = true;
  /** Whether held submissions may have become known. */
  private mayRelease = true;
  private lookAgainAt = Infinity;
  private termsInForce: Hour | null = null;

  constructor(partition: number, ports: CarryKeeperPorts) {
    this.partition = partition;
    this.ports = ports;
  }

  /** Notes by which terms hours were composed: new ones may know meters that were unknown. */
  composed(compositions: readonly Composition[]): void {
    for (const { terms, submissions } of compositions) {
      const isNew = this.termsInForce === null || terms > this.termsInForce;
      if (isNew) this.termsInForce = terms;
      if (isNew || submissions.some(({ decision }) => decision === 'held')) this.mayRelease = true;
    }
  }

  /** The tables are read anew: what other owners noted there is not finished in this state. */
  resumed(): void {
    this.mayBeOnTheWay = true;
  }

  /** Asks for moves, finishes those that are noted or that the log has, and releases what is known by now. */
  async keep(state: BridgeState): Promise<void> {
    if (this.mayBeOnTheWay) await this.finishNoted();
    for (const progress of state.sources.values()) {
      await this.askToMove(progress);
      await this.finishMoves(progress);
    }
    if (this.mayRelease || this.ports.now() >= this.lookAgainAt) await this.release(state);
  }

  private async askToMove({ at, carries }: SourceProgress): Promise<void> {
    const moves: CarryMove[] = [];
    const stops: string[] = [];
    for (const carry of carries.values()) {
      if (this.asked.has(stopOf(carry))) continue;
      const to = this.ports.register.movesTo(at, carry.resourceUri);
      if (to === null) continue;
      const { submissionId, moves: before } = carry;
      moves.push({ ...at, submissionId, moves: before, to });
      stops.push(stopOf(carry));
    }
    if (moves.length === 0) return;
    await this.ports.persist('append moves', () => this.ports.outbox.appendMoves(moves));
    for (const stop of stops) this.asked.add(stop);
  }

  private async finishNoted(): Promise<void> {
    const { store, persist } = this.ports;
    await this.moveOn(await persist('read noted moves', () => store.leaving(this.partition)));
    this.mayBeOnTheWay = false;
  }

  private async finishMoves({ moving }: SourceProgress): Promise<void> {
    const moved = [...moving.values()];
    await this.moveOn(moved.map(({ offset: _, ...carry }) => carry));
    for (const carry of moved) moving.delete(stopOf(carry));
  }

  private async moveOn(carries: readonly LeavingCarry[]): Promise<void> {
    const { store, outbox, persist, logger } = this.ports;
    if (carries.length === 0) return;
    await persist('record moves', () => store.writeMoves(this.partition, carries));
    await persist('append moved carries', () => outbox.appendMoved(carries.map(arrived)));
    const sources = [...new Set(carries.map(partitionName))];
    logger.info(
      { sources, carries: carries.length },
      'carries have moved on to the source partitions that own their resources now',
    );
  }

  private async release(state: BridgeState): Promise<void> {
    const { store, outbox, persist, logger, now } = this.ports;
    this.mayRelease = false;
    this.lookAgainAt = Infinity;
    const held = await persist('read held submissions', () => store.held(this.partition));
    if (held.length === 0) return;
    this.lookAgainAt = now() + LOOK_AGAIN_MILLIS;
    const terms = await persist('read the billing terms', () => store.terms());
    const known = new KnownMeters(terms);
    const released: Pending[] = [];
    for (const pending of held) {
      const { meters, resourceUri } = pending.submission;
      const target = this.ports.register.targetOf(pending.at, resourceUri);
      if (target.kind === 'nowhere') continue;
      const isKnown =
        target.kind === 'here'
          ? known.knows(meters, nextHourOf(state, pending.at))
          : // No hour of its own is to come. If it arrives too early there, it is held and released there.
            known.willKnow(meters);
      if (isKnown) released.push(pending);
      // The terms that know it have not begun: look again when the next hour is composed.
      else if (known.willKnow(meters)) this.mayRelease = true;
    }
    if (released.length === 0) return;
    await persist('append carries', () =>
      outbox.appendCarries(released.map((each) => carryOf(each, 'released'))),
    );
    await persist('record outcomes', () =>
      store.writeOutcomes(released.map((each) => outcomeOf(each, 'carried', { code: 'released' }))),
    );
    logger.info(
      { submissions: released.length, first: isoText(released[0]?.hour ?? (0 as Hour)) },
      'held usage is released: the catalog knows its meter now',
    );
  }
}

/** Which meters the terms of an hour know. */
class KnownMeters {
  private readonly terms: readonly BillingTerms[];
  private readonly meters = new Map<BillingTerms, ReadonlySet<string>>();

  constructor(terms: readonly BillingTerms[]) {
    this.terms = terms;
  }

  knows(meters: readonly string[], hour: Hour | null): boolean {
    return hour !== null && this.areIn(meters, termsOf(this.terms, hour));
  }

  willKnow(meters: readonly string[]): boolean {
    return this.areIn(meters, this.terms.at(-1) ?? null);
  }

  private areIn(meters: readonly string[], terms: BillingTerms | null): boolean {
    if (terms === null) return false;
    const known = this.meters.get(terms) ?? new Set(meterTerms(terms).keys());
    this.meters.set(terms, known);
    return meters.every((meter) => known.has(asciiLower(meter)));
  }
}

/** The next hour that is composed for a source partition; null if it never had one. */
const nextHourOf = (state: BridgeState, at: SourcePartition): Hour | null => {
  const name = partitionName(at);
  return (
    state.sources.get(name)?.composedThrough ??
    state.composedBefore.get(name)?.composedThrough ??
    null
  );
};
