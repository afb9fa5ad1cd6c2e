import type { Composition, Submission } from '../../../services/bridge/fold/compose.ts';
import type { Outcome } from '../../../services/shared/billing/outcome.ts';
import { meterTerms, termsOf } from '../../../services/shared/billing/billing-terms.ts';
import { partitionOfKey, resourceKey } from '../../../services/shared/model/placement.ts';
import { aggregateKey } from '../../../services/shared/model/usage-aggregate.ts';
import { CONTROL_HEADER } from '../../../services/shared/model/control-record.ts';
import {
  partitionName,
  type Source,
  type SourcePartition,
} from '../../../services/shared/model/source.ts';
import { isoText, type Hour } from '../../../services/shared/model/time.ts';
import { violated } from '../violation.ts';
import type { BridgeLog, Entry } from './bridge-log.ts';
import type { BridgeStore, BridgeStoreObserver } from './bridge-store.ts';
import {
  atStop,
  exact,
  ExpectedSource,
  type Amounts,
  type ExpectedHour,
  type ExpectedLine,
  type WrittenCarry,
  type WrittenMove,
} from './expected-source.ts';
import { requireSame } from './require-same.ts';
import type { Publisher } from './publisher.ts';
import { commerceKey, GONE, POISON, type SimulatedCommerce } from './simulated-commerce.ts';

export interface Visible {
  readonly commerce: SimulatedCommerce;
  readonly publishers: readonly Publisher[];
  storeOf(): BridgeStore;
  sourceOf(at: SourcePartition): Source;
  sources(): readonly Source[];
}

export const hourName = (at: SourcePartition, hour: number): string =>
  `${partitionName(at)} ${isoText(hour as Hour)}`;

/**
 * Somebody who reads the logs, every table and Commerce's books all the time, and knows by the logs alone what must
 * stand there: each row as soon as it is written, and all of it in the end.
 */
export class BridgeOracle implements BridgeStoreObserver {
  readonly sources = new Map<string, ExpectedSource>();
  readonly counts = {
    compositions: 0,
    carriesWritten: 0,
    carriesCounted: 0,
    movesWritten: 0,
    movesCounted: 0,
    movedOn: 0,
    cameBack: 0,
    elsewhere: 0,
    logsLost: 0,
    fates: 0,
  };
  readonly logs: readonly BridgeLog[];
  readonly visible: Visible;
  /** Where moved carries may appear: by stop and source partition. */
  private readonly arrivals = new Set<string>();
  private readonly told: number[];
  /** Submissions by id, with their source partition and hour. */
  private readonly lines = new Map<string, { at: SourcePartition; hour: ExpectedHour }>();

  constructor(logs: readonly BridgeLog[], visible: Visible) {
    this.logs = logs;
    this.visible = visible;
    this.told = logs.map(() => 0);
  }

  /** @param bills whether the source is the one that bills its resources in an hour */
  expect(at: SourcePartition, bills: (hour: number) => boolean): void {
    const source = this.visible.sourceOf(at);
    const termsAt = (hour: number) => {
      const terms = termsOf(this.visible.storeOf().terms, hour as Hour);
      return terms ?? violated(`there are no terms for ${isoText(hour as Hour)}`);
    };
    this.sources.set(partitionName(at), new ExpectedSource(at, source, termsAt, bills));
  }

  /** Takes note of all that has been written meanwhile. */
  catchUp(): void {
    for (const [partition, log] of this.logs.entries()) {
      for (let next = this.told[partition] ?? 0; next < log.high; next++) {
        const entry = log.entries[next];
        if (entry) this.take(entry);
        this.told[partition] = next + 1;
      }
    }
  }

  /** A log has lost records: what is composed stands, the rest is what is left in the log. */
  lost(partition: number): void {
    this.counts.logsLost++;
    this.catchUp();
    const noted = [...this.visible.storeOf().moves.values()].map(({ move }) => move);
    for (const [name, source] of this.sources) {
      if (partitionOfKey(aggregateKey(source.at), this.logs.length) !== partition) continue;
      const composed = new Set(
        source.hours
          .map(({ hour }) => hour)
          .filter((hour) => this.visible.storeOf().compositionOf(source.at, hour as Hour)),
      );
      source.lost(
        composed,
        noted.filter((move) => partitionName(move) === name),
      );
    }
    this.told[partition] = this.logs[partition]?.low ?? 0;
    this.catchUp();
  }

  /** The first time the hour is composed, and whenever it is written again: always the same. */
  composed({ at, hour, markerOffset, carries }: Composition): void {
    this.catchUp();
    const name = hourName(at, hour);
    const expected = this.sourceOf(at).hours.find((each) => each.hour === hour);
    if (!expected) return violated(`${name} is composed, and is not closed`);
    if (markerOffset !== expected.markerOffset) {
      violated(
        `${name} is composed at the marker ${String(markerOffset)} instead of ${String(expected.markerOffset)}`,
      );
    }
    requireSame(
      `the carries in ${name}`,
      carries.map(({ submissionId }) => submissionId).sort(),
      [...expected.carries].sort(),
    );
    this.requireLines(name, expected, this.visible.storeOf().submissionsOf(at, hour));
    for (const { submissionId } of this.visible.storeOf().submissionsOf(at, hour)) {
      this.lines.set(submissionId, { at, hour: expected });
    }
    this.counts.compositions++;
  }

  /** An outcome is recorded: by then a carry must be in the log, and what counts as accepted at Commerce. */
  outcome({ kind, pending, code }: Outcome): void {
    this.catchUp();
    const { at, hour, submission } = pending;
    const { submissionId, resourceUri, dimension, quantity } = submission;
    const held = this.visible.commerce.held.get(commerceKey(hour, resourceUri, dimension));
    const name = `${submissionId} of ${hourName(at, hour)}`;
    const double = Number(`${String(quantity)}e-30`);
    switch (kind) {
      case 'accepted':
      case 'duplicate':
        if (held?.quantity !== double) {
          violated(`${name} counts as ${kind}; Commerce holds ${String(held?.quantity)}`);
        }
        return;
      case 'mismatch':
        if (!held?.isForeign) {
          violated(`${name} of ${String(double)} is a mismatch: ${String(held?.quantity)}`);
        }
        return;
      case 'carried':
        if (held && this.isSent(at, hour, submissionId)) {
          violated(`${name} is carried, and Commerce has accepted it`);
        }
        if (!this.sourceOf(at).carried.has(submissionId)) {
          violated(`${name} counts as carried, and its log has no carry`);
        }
        return;
      case 'dead-lettered':
        // Another bridge may have sent it since the cause of a refusal was mended.
        if (held && code === 'Expired')
          violated(`${name} is dead-lettered, and Commerce has accepted it`);
        if (!this.mayBeDead(pending.at, pending.hour, resourceUri, code)) {
          violated(`${name} is dead-lettered as ${code}`);
        }
    }
  }

  /** What was never sent may have a namesake at Commerce. */
  private isSent(at: SourcePartition, hour: Hour, submissionId: string): boolean {
    return this.visible
      .storeOf()
      .submissionsOf(at, hour)
      .some((each) => each.submissionId === submissionId && each.decision === 'send');
  }

  /** A bridge tells its group that everything below an offset is done. */
  reported(partition: number, offset: number): void {
    for (const { at, hour, firstOffset } of this.visible.storeOf().unfinished(partition)) {
      if (firstOffset < offset) {
        violated(`offset ${String(offset)} is committed, and ${hourName(at, hour)} is not sent`);
      }
    }
  }

  private sourceOf(at: SourcePartition): ExpectedSource {
    return this.sources.get(partitionName(at)) ?? violated(`there is no ${partitionName(at)}`);
  }

  private take(entry: Entry): void {
    const { meant, record } = entry;
    if (meant.kind === 'bad') return;
    if (meant.kind !== 'bridge') {
      this.sourceOf(meant.at).take(entry);
      return;
    }
    const body: unknown = JSON.parse(record.value?.toString('utf8') ?? '');
    const kind = record.headers[CONTROL_HEADER];
    if (kind === 'carry') this.takeCarry(body as WrittenCarry);
    else if (kind === 'moved') this.takeMove(body as WrittenMove);
    else violated(`a bridge has written a record of kind ${String(kind)}`);
  }

  private takeCarry(carry: WrittenCarry): void {
    this.counts.carriesWritten++;
    const { submissionId, from } = carry;
    const name = `the carry of ${submissionId}`;
    const stored = this.visible
      .storeOf()
      .submissionsOf(from, from.hour as Hour)
      .find((each) => each.submissionId === submissionId);
    if (!stored || !this.lines.has(submissionId))
      return violated(`${name} carries what is not composed`);
    requireSame(
      name,
      [carry.resourceUri, carry.dimension, exact(carry.quantity), carry.meters],
      [stored.resourceUri, stored.dimension, stored.quantity, stored.meters],
    );
    requireSame(`the months of ${name}`, monthsOfCarry(carry), monthsOf(stored));
    const known = meterTerms(this.visible.storeOf().terms.at(-1) ?? violated('there are no terms'));
    const isKnown = carry.meters.every((meter) => known.has(meter.toLowerCase()));
    if (carry.reason === 'released' && !isKnown) violated(`${name} releases an unknown meter`);
    const source = this.sourceOf(carry);
    const isAtHome = carry.moves === 0 && source === this.sourceOf(from);
    if (!isAtHome && !this.arrivals.has(arrivalOf(submissionId, carry.moves, carry))) {
      violated(`${name} is in ${partitionName(carry)}, and no move that counts leads there`);
    }
    const isBack = source.carried.has(submissionId);
    if (!source.takeCarry(carry)) return;
    this.counts.carriesCounted++;
    if (isBack && carry.moves > 0) this.counts.cameBack++;
  }

  private takeMove(move: WrittenMove): void {
    this.counts.movesWritten++;
    const { submissionId, to } = move;
    const target = this.sources.get(partitionName(to));
    const carry = this.sourceOf(move).waiting.get(submissionId);
    if (target?.source.kind !== 'live') {
      return violated(`${submissionId} moves to ${partitionName(to)}, which is no live source`);
    }
    if (!this.sourceOf(move).takeMove(move)) return;
    const key = resourceKey(carry?.resourceUri ?? '');
    if (to.partition !== partitionOfKey(key, target.source.partitions)) {
      violated(`${submissionId} moves to ${partitionName(to)}, where its resource is not`);
    }
    this.counts.movesCounted++;
    if (move.moves > 0) this.counts.movedOn++;
    this.arrivals.add(arrivalOf(submissionId, move.moves + 1, to));
  }

  private mayBeDead(at: SourcePartition, hour: Hour, resource: string, code: string): boolean {
    if (code === 'ResourceNotFound') return resource.endsWith(GONE);
    if (code === 'BadRequest') return resource.endsWith(POISON);
    if (code !== 'Expired') return false;
    const { kind } = this.visible.sourceOf(at);
    const terms = termsOf(this.visible.storeOf().terms, hour);
    return kind === 'history' || terms?.late === 'dead-lettered';
  }

  private requireLines(
    name: string,
    { lines, terms }: ExpectedHour,
    stored: readonly Submission[],
  ): void {
    const found = new Map(
      stored.map((each) => [
        `${each.resourceUri.toLowerCase()}\0${each.dimension.toLowerCase()}`,
        each,
      ]),
    );
    requireSame(`the submissions of ${name}`, [...found.keys()].sort(), [...lines.keys()].sort());
    if (found.size !== stored.length) violated(`${name} has a submission twice`);
    for (const [key, line] of lines) {
      const submission = found.get(key);
      if (submission) requireLine(`${name} ${key}`, submission, line, terms.reporting === 'on');
    }
  }
}

const arrivalOf = (submissionId: string, moves: number, at: SourcePartition): string =>
  `${atStop(submissionId, moves)} ${partitionName(at)}`;

const expectedDecision = (
  { quantity, isUnknown, isElsewhere }: ExpectedLine,
  isReported: boolean,
): string => {
  if (quantity === 0n) return 'zero';
  if (!isReported) return 'not-reported';
  if (quantity < 0n) return 'credit';
  return isUnknown || isElsewhere ? 'held' : 'send';
};

const requireLine = (
  name: string,
  submission: Submission,
  line: ExpectedLine,
  isReported: boolean,
): void => {
  const { quantity, decision, carries, aggregates } = submission;
  const expected = expectedDecision(line, isReported);
  requireSame(
    name,
    [quantity, decision, [...carries].sort(), aggregates.length],
    [line.quantity, expected, [...line.carries].sort(), line.aggregates],
  );
  requireSame(`the months of ${name}`, monthsOf(submission), line.months);
};

const monthsOf = ({ usageMonths }: Submission): Amounts =>
  new Map(usageMonths.map(({ month, quantity }) => [month, quantity]));

const monthsOfCarry = ({ months }: WrittenCarry): Amounts =>
  new Map(Object.entries(months).map(([month, part]) => [month, exact(part)]));
