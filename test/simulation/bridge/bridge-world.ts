import type { Source, SourcePartition } from '../../../services/shared/model/source.ts';
import { partitionName, takenUpBy } from '../../../services/shared/model/source.ts';
import type { LogWriter } from '../../../services/shared/kafka/log-writer.ts';
import type { NewRecord } from '../../../services/shared/kafka/new-record.ts';
import { partitionOfKey } from '../../../services/shared/model/placement.ts';
import { millis, type Hour } from '../../../services/shared/model/time.ts';
import { aggregateKey } from '../../../services/shared/model/usage-aggregate.ts';
import type { BillingTerms } from '../../../services/shared/billing/billing-terms.ts';
import {
  hour,
  NOT_BILLABLE,
  BILLABLE,
  sourceOf,
  UNKNOWN,
} from '../../support/bridge/aggregates-log.ts';
import type { Random } from '../../support/workload/random.ts';
import type { PortCalls } from '../port-calls.ts';
import { BridgeLog } from './bridge-log.ts';
import { BridgeOracle } from './bridge-oracle.ts';
import { atStop } from './expected-source.ts';
import { BridgeStore } from './bridge-store.ts';
import { Publisher, SHARED_METERS } from './publisher.ts';
import { CLOCKS_DIFFER_BY, SimulatedCommerce } from './simulated-commerce.ts';
import { SimulatedTimers } from './simulated-timers.ts';

/** Partitions of the aggregates topic. */
export const LOG_PARTITIONS = 2;
/** Long hours, so that a day has few of them. */
const HOUR = 4 * 3_600_000;
/** Half a day before a month ends. */
const FIRST_HOUR = hour(21 * 24 + 12);

const SHARED = SHARED_METERS.map((meterId) => ({ meterId, dimension: 'shared', planId: 'plan' }));

/** Another topic to which the resource provider may move. */
const OTHER_TOPIC = 'usage.events.other';

export interface WorldOptions {
  /** Epochs end often, and much grows too old for Commerce: carries move. */
  readonly isRestless: boolean;
  /** The resource provider moves to another topic, and back. */
  readonly movesProvider: boolean;
  /** Commerce refuses much, but only some of its servers do, and its answers get lost. */
  readonly isFickle: boolean;
}

/** Everything outside the bridges: logs, tables, Commerce, the clock. */
export class BridgeWorld {
  readonly timers = new SimulatedTimers(FIRST_HOUR + 60_000);
  readonly logs: readonly BridgeLog[];
  readonly store: BridgeStore;
  readonly commerce: SimulatedCommerce;
  readonly oracle: BridgeOracle;
  readonly publishers: Publisher[] = [];
  sources: readonly Source[] = [];
  /** The topics that bill the resources, each from an hour on. */
  private readonly billing: { readonly from: number; readonly topic: string }[] = [];
  /** So many epochs of the live topic there may be. */
  private readonly epochs: number;
  private readonly random: Random;
  private readonly options: WorldOptions;

  constructor(random: Random, options: WorldOptions) {
    this.random = random;
    this.options = options;
    this.logs = Array.from({ length: LOG_PARTITIONS }, () => new BridgeLog());
    const faultRate = options.isFickle ? 0.25 : random.pick([0, 0.05, 0.2]);
    this.commerce = new SimulatedCommerce(random, () => this.now, faultRate);
    this.commerce.isFickle = options.isFickle;
    this.commerce.onOutage = () => {
      this.timers.now += (25 + random.below(6)) * 3_600_000;
    };
    const late = random.chance(0.15) ? 'dead-lettered' : 'carried';
    const terms = termsOf({ effectiveFrom: 0 as Hour, late });
    this.oracle = new BridgeOracle(this.logs, {
      commerce: this.commerce,
      storeOf: () => this.store,
      sourceOf: (at) => this.sourceOf(at),
      sources: () => this.sources,
      publishers: this.publishers,
    });
    this.store = new BridgeStore([terms], this.oracle);
    this.store.hourMillis = HOUR;
    this.epochs = random.pick(options.isRestless ? [3, 5, 7] : [1, 1, 2, 3]);
    this.open({ partitions: 1 + random.below(2), firstHour: FIRST_HOUR });
    this.billing.push({ from: FIRST_HOUR, topic: this.newestLive().topic });
    if (random.chance(0.3)) {
      const back = random.pick([1, 8]) * HOUR;
      this.open({
        topic: 'usage.history.run',
        kind: 'history',
        partitions: 1,
        firstHour: (FIRST_HOUR - back - HOUR) as Hour,
        lastHour: (FIRST_HOUR - back) as Hour,
        namespaces: ['*'],
        billable: random.chance(0.7),
      });
    }
  }

  get now(): number {
    return this.timers.now;
  }

  /** Something happens outside the bridges. */
  happen(): void {
    const { random } = this;
    if (this.options.isRestless && random.chance(this.waits ? 0.5 : 0.1)) {
      this.turn();
      return;
    }
    const draw = random.below(20);
    if (draw < 4) this.passTime();
    else if (draw < 7) random.pick(this.publishers).publishLate();
    else if (draw < 9) random.pick(this.publishers).publishAgain();
    else if (draw < 10) this.commerce.isAway = !this.commerce.isAway;
    else if (draw < 11) this.learnMeter();
    else if (draw < 12) this.turn();
    else this.publish();
  }

  /** Publishes an hour that is over; false if there is none. */
  publish(): boolean {
    const due = this.publishers.filter((publisher) => publisher.isDue(this.now));
    if (due.length === 0) return false;
    this.random.pick(due).publishNext();
    return true;
  }

  /** Publishes all that is over, and all that is late. */
  publishAll(): void {
    while (this.publish());
    for (const publisher of this.publishers) while (publisher.hasLate) publisher.publishLate();
  }

  /** Mostly by some hours; now and then by more than Commerce's day. */
  passTime(): void {
    const { random } = this;
    const hours = random.chance(this.options.isRestless ? 0.3 : 0.15)
      ? 24 + random.below(8)
      : random.pick([0.5, 4, 4, 9]);
    this.timers.now += hours * 3_600_000;
    if (random.chance(0.2)) this.timers.now = this.whenClocksDisagree();
  }

  /** Some server of Commerce says then that an hour is too old, and another one would take it still. */
  private whenClocksDisagree(): number {
    return this.now - (this.now % HOUR) + HOUR + this.random.below(CLOCKS_DIFFER_BY);
  }

  /** The clock goes on until the hours that are open now are over, but for no longer. */
  closeHours(): void {
    this.timers.now += HOUR;
  }

  /** Whether carries wait somewhere: if their source turns now, they must move. */
  private get waits(): boolean {
    return [...this.oracle.sources.values()].some(({ waiting }) => waiting.size > 0);
  }

  /** Whether a carry has left, and that is not noted, or it is not at its new place. */
  get isMoving(): boolean {
    return [...this.oracle.sources].some(([name, { moved }]) =>
      [...moved].some(([stop, { submissionId, moves, to }]) => {
        const there = this.oracle.sources.get(partitionName(to));
        if (there?.taken.has(submissionId)) return false;
        const isThere = there?.stops.has(atStop(submissionId, moves + 1));
        return !isThere || !this.store.moves.has(`${name} ${stop}`);
      }),
    );
  }

  private turn(): void {
    if (this.options.movesProvider && this.random.chance(0.7)) this.moveProvider();
    else this.turnEpoch();
  }

  /** What serves the resources does so no more, and something else does. */
  turnOn(): void {
    this.turn();
    this.openEpoch();
  }

  /**
   * The resource provider moves to the other topic, or back. The one that takes over bills from an hour on that is open
   * nowhere yet. The other one may have usage for longer, and it may have some before: the providers do not move within an
   * instant.
   */
  private moveProvider(): void {
    const { random } = this;
    const newest = this.newestLive();
    if (newest.state !== 'open') return;
    const other = this.sources.find(({ topic }) => topic === OTHER_TOPIC);
    const isAway = newest.namespaces.length === 0;
    const [leaves, serves] = isAway ? [other, newest] : [newest, other];
    const left = this.publishersOf(leaves);
    const taking = this.publishersOf(serves);
    const last = this.billing.at(-1)?.from ?? 0;
    const nexts = [...left, ...taking].map(({ next }) => next);
    const from = Math.max(last + HOUR, ...nexts) as Hour;
    for (const publisher of left) publisher.servesUntil = from + random.pick([0, 0, HOUR]);
    for (const publisher of taking) publisher.serveFrom(from - random.pick([0, 0, HOUR]));
    this.billing.push({ from, topic: serves?.topic ?? OTHER_TOPIC });
    const namespaces = newest.namespaces.concat(other?.namespaces ?? []);
    this.sources = this.sources.map((source) => {
      const takenUp = takenUpBy(source);
      if (source === leaves) return { ...source, namespaces: [], takenUp };
      if (source !== serves) return source;
      const taken = namespaces.map((namespace) => ({ namespace, from }));
      return { ...source, namespaces, takenUp: [...takenUp, ...taken] };
    });
    if (!serves) {
      this.open({ topic: OTHER_TOPIC, partitions: 1 + random.below(2), firstHour: from });
    }
  }

  /** The topic that bills the resources in an hour. */
  private billedBy(at: number): string | null {
    return this.billing.findLast(({ from }) => from <= at)?.topic ?? null;
  }

  private publishersOf(source: Source | undefined): readonly Publisher[] {
    return this.publishers.filter(
      ({ at }) => at.topic === source?.topic && at.epoch === source.epoch,
    );
  }

  /** The live epoch ends; or, where it has ended, the next one begins. */
  turnEpoch(): void {
    const newest = this.newestLive();
    if (newest.namespaces.length === 0) return;
    const publishers = this.publishersOf(newest);
    if (newest.state === 'open') {
      if (newest.epoch >= this.epochs) return;
      for (const publisher of publishers) publisher.seal();
      this.sources = this.sources.map((source) =>
        source === newest ? { ...source, state: 'sealed' } : source,
      );
      return;
    }
    this.open({
      topic: newest.topic,
      epoch: newest.epoch + 1,
      predecessor: newest.epoch,
      partitions: 1 + this.random.below(2),
      firstHour: Math.max(...publishers.map(({ next }) => next)) as Hour,
      takenUp: newest.takenUp ?? [],
    });
  }

  /** The last live epoch is open: everything has somewhere to go. */
  openEpoch(): void {
    if (this.newestLive().state !== 'open') this.turnEpoch();
  }

  /**
   * Records that nobody may have read expire. No bridge may run, and none of its requests be on its way: one that has read
   * them would go on with what another one can no longer know (ADR 13).
   *
   * @param neededFrom from which offset on a log keeps its records: somebody is still at work with what he wrote there
   */
  loseRecords(neededFrom: (partition: number) => number): void {
    this.publishAll();
    for (const [partition, log] of this.logs.entries()) {
      if (this.random.chance(0.3)) continue;
      const low = this.random.chance(0.5)
        ? log.high
        : log.low + this.random.below(log.high - log.low + 1);
      log.low = Math.max(log.low, Math.min(low, neededFrom(partition)));
      this.oracle.lost(partition);
    }
  }

  publisherOf(at: SourcePartition): Publisher {
    const name = partitionName(at);
    const found = this.publishers.find((publisher) => partitionName(publisher.at) === name);
    if (!found) throw new Error(`there is no ${name}`);
    return found;
  }

  /** Appends records for one who asks for it. */
  writerOf(calls: PortCalls, owner: object): LogWriter {
    return {
      // A large publication goes in several requests.
      append: async (at, records) => {
        const half = records.length > 2 ? records.length >> 1 : records.length;
        for (const part of [records.slice(0, half), records.slice(half)]) {
          if (part.length === 0) continue;
          await calls.write(owner, () => this.append(at.partition, part));
        }
        return [];
      },
      close: () => Promise.resolve(),
    };
  }

  private newestLive(): Source {
    const newest = this.sources.findLast(
      ({ kind, topic }) => kind === 'live' && topic !== OTHER_TOPIC,
    );
    if (!newest) throw new Error('there is no live source');
    return newest;
  }

  /** Commerce accepts nothing any more of what was over by now. */
  passDay(): void {
    this.timers.now += 26 * 3_600_000;
  }

  append(partition: number, records: readonly NewRecord[]): void {
    for (const { key, value, headers = {}, timestamp = millis(this.now) } of records) {
      const record = { key: Buffer.from(key ?? ''), value, headers, timestamp };
      this.logs[partition]?.append(record, { kind: 'bridge' });
    }
    this.oracle.catchUp();
  }

  logOf(at: SourcePartition): BridgeLog {
    const log = this.logs[partitionOfKey(aggregateKey(at), LOG_PARTITIONS)];
    if (!log) throw new Error(`there is no log for ${partitionName(at)}`);
    return log;
  }

  private sourceOf({ topic, epoch }: SourcePartition): Source {
    const source = this.sources.find((each) => each.topic === topic && each.epoch === epoch);
    if (!source) throw new Error(`there is no ${topic}/${String(epoch)}`);
    return source;
  }

  /** From an hour on that is open nowhere yet, the catalog knows the unknown meter. */
  private learnMeter(): void {
    if (this.store.terms.length > 1) return;
    const [first] = this.store.terms;
    if (!first) return;
    const open = Math.max(this.now, ...this.publishers.map(({ next }) => next));
    const effectiveFrom = (open - (open % HOUR) + HOUR) as Hour;
    const learnt = { meterId: UNKNOWN, dimension: 'learnt', planId: 'plan' };
    const billedMeters = [...first.billedMeters, learnt];
    this.store.terms = [first, termsOf({ ...first, effectiveFrom, billedMeters })];
  }

  private open(changes: Partial<Source>): void {
    const source = sourceOf({ hourMillis: HOUR, ...changes });
    this.sources = [...this.sources, source];
    const { topic, epoch } = source;
    for (let partition = 0; partition < source.partitions; partition++) {
      const at = { topic, epoch, partition };
      const refused = this.options.isFickle ? 0.4 : 0.04;
      this.publishers.push(new Publisher(at, source, this.logOf(at), this.random, refused));
      const isLive = source.kind === 'live';
      this.oracle.expect(at, (hour) => !isLive || this.billedBy(hour) === topic);
    }
  }
}

const termsOf = (changes: Partial<BillingTerms>): BillingTerms => ({
  effectiveFrom: 0 as Hour,
  reporting: 'on',
  planId: 'plan',
  billedMeters: [{ meterId: BILLABLE, dimension: BILLABLE, planId: 'plan' }, ...SHARED],
  otherMeters: [{ meterId: NOT_BILLABLE, reason: 'local-only' }],
  infrastructure: [],
  late: 'carried',
  ...changes,
});
