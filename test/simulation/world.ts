import { isDeepStrictEqual } from 'node:util';
import type { Place } from '../../services/shared/usage-fold/place.ts';
import type { RecordHeaders } from '../../services/shared/model/control-record.ts';
import type { NewRecord } from '../../services/shared/kafka/new-record.ts';
import {
  aggregatesTopicName,
  deadLetterTopicName,
} from '../../services/shared/kafka/topic-names.ts';
import type { TopicPartition } from '../../services/shared/model/log-record.ts';
import {
  partitionName,
  type Source,
  type SourcePartition,
} from '../../services/shared/model/source.ts';
import { HOUR_MILLIS, millis, type Hour, type Millis } from '../../services/shared/model/time.ts';
import { hour, placeOf } from '../support/fold/fixtures.ts';
import type { Random } from '../support/workload/random.ts';
import { AggregatesTopic } from './aggregates-topic.ts';
import { tickContent } from './contents.ts';
import { Oracle } from './oracle.ts';
import { Unanswered } from './port-calls.ts';
import { Reader } from './reader.ts';
import { SimulatedLog } from './simulated-log.ts';
import { SimulatedStore, type StoreMistake } from './simulated-store.ts';
import { Workload } from './workload.ts';

const PREFIX = 'usage';
export const AGGREGATES = aggregatesTopicName(PREFIX);
export const DEAD_LETTERS = deadLetterTopicName(PREFIX);

/** The last two hours of a month are where live topics begin: the next day is in another month. */
const FIRST_LIVE_HOUR = 21 * 24 + 22;

/** A partition's log with what is still to be written to it. */
export interface Topic {
  readonly log: SimulatedLog;
  readonly oracle: Oracle;
  /** Records still to be written before the end. */
  left: number;
  ended: boolean;
}

/** Everything outside the owners: logs, tables, the broker's clock. */
export class World {
  readonly store: SimulatedStore;
  readonly reader: Reader;
  readonly aggregates = new AggregatesTopic();
  readonly topics = new Map<string, Topic>();
  /** The broker's clock. */
  now: Millis = millis(hour(FIRST_LIVE_HOUR) + 50 * 60_000);
  private readonly random: Random;
  private readonly workload: Workload;
  private readonly byPlace = new Map<SourcePartition, Topic>();
  private readonly current = new Map<string, SimulatedLog>();
  private lastEpoch: boolean;

  constructor(random: Random, mistake: StoreMistake | null) {
    this.random = random;
    const { aggregates } = this;
    const oracleOf = (at: SourcePartition): Oracle => this.topicOf(at).oracle;
    const storeOf = (): SimulatedStore => this.store;
    this.reader = new Reader({ aggregates, oracleOf, storeOf });
    this.store = new SimulatedStore(this.reader, mistake);
    this.workload = new Workload(random);
    const partitions = 1 + random.below(2);
    this.lastEpoch = !random.chance(0.3);
    if (random.chance(0.25)) this.openHistory();
    this.openEpoch(1, hour(FIRST_LIVE_HOUR), partitions);
  }

  topicOf(at: SourcePartition): Topic {
    const topic = this.byPlace.get(at) ?? this.topics.get(partitionName(at));
    if (!topic) throw new Error(`there is no ${partitionName(at)}`);
    return topic;
  }

  /** Whether writers still have something to write. */
  get isWritten(): boolean {
    if (!this.lastEpoch) return false;
    for (const { ended } of this.topics.values()) if (!ended) return false;
    return true;
  }

  /** A writer writes something, or the next epoch of the live topic begins. */
  write(): void {
    const { random } = this;
    const open = [...this.topics.values()].filter(({ ended }) => !ended);
    if (open.length === 0) {
      if (!this.lastEpoch) this.beginNextEpoch();
      return;
    }
    const topic = random.pick(open);
    const { log } = topic;
    this.passTime();
    const at = log.place.source.kind === 'live' ? this.appendTime() : this.statedTime(log);
    if (topic.left > 0) {
      topic.left--;
      this.workload.next(log, at);
    } else {
      this.workload.end(log, at);
      topic.ended = true;
    }
  }

  /** The broker's clock goes on, mostly by minutes, now and then past the end of the hour. */
  passTime(): void {
    const { random } = this;
    const minutes = random.chance(0.15) ? 20 + random.below(70) : random.below(6);
    this.now = millis(this.now + minutes * 60_000);
  }

  /** The log that the broker has now: that of the topic's newest epoch; null where it has none. */
  currentLog({ topic, partition }: TopicPartition): SimulatedLog | null {
    return this.current.get(`${topic} ${String(partition)}`) ?? null;
  }

  /** The partitions that can be read now. */
  get places(): Place[] {
    return [...this.current.values()].map(({ place }) => place);
  }

  /** The newest rules of a place, as a process might have them in its configuration. */
  newestRules(place: Place): string | null {
    return this.workload.rulesTextOf(this.topicOf(place).log);
  }

  /** An owner's tick; that of an earlier epoch of the topic is not signed for this one. */
  appendTick(at: TopicPartition, headers: RecordHeaders): Millis {
    const log = this.currentLog(at);
    if (log === null) throw new Unanswered();
    const { content, intent } = tickContent(log.place);
    const time = this.appendTime();
    const isForHere = isDeepStrictEqual(headers, content.headers);
    log.append({ ...content, headers }, time, isForHere ? intent : { kind: 'forged' });
    return time;
  }

  appendOut(topic: string, records: readonly NewRecord[]): void {
    if (topic === AGGREGATES) this.aggregates.append(records);
    else this.reader.deadLettersPublished(records);
  }

  /** A new leader's clock may be behind that of the one before. */
  private appendTime(): Millis {
    return this.random.chance(0.05) ? millis(this.now - this.random.below(70) * 60_000) : this.now;
  }

  /** History is written in the order of its usage, more or less; now and then outside its hours. */
  private statedTime({ place, written }: SimulatedLog): Millis {
    const { firstHour } = place.source;
    const last = written.at(-1)?.record.timestamp ?? firstHour;
    if (this.random.chance(0.05)) return millis(firstHour - 60_000);
    const minutes = this.random.chance(0.2) ? 50 : this.random.below(25) - 5;
    return millis(Math.max(firstHour, last + minutes * 60_000));
  }

  /** Only when the epoch before is sealed in the store, and later than its last hour. */
  private beginNextEpoch(): void {
    const before = [...this.topics.values()].filter(({ log }) => log.place.source.kind === 'live');
    const checkpoints = before.map(({ log }) => this.store.checkpointOf(log.place));
    const isSealed = before.every(({ log }, at) => {
      const checkpoint = checkpoints[at];
      return checkpoint?.sealed === true && checkpoint.nextOffset === log.high;
    });
    if (!isSealed) return;
    const closed = Math.max(...checkpoints.map((checkpoint) => checkpoint?.openHour ?? 0));
    this.now = millis(Math.max(this.now, closed + HOUR_MILLIS));
    this.openEpoch(2, (this.now - (this.now % HOUR_MILLIS)) as Hour, 1 + this.random.below(2));
    this.lastEpoch = true;
  }

  private openEpoch(epoch: number, firstHour: Hour, partitions: number): void {
    this.open({ epoch, firstHour, partitions, predecessor: epoch === 1 ? null : epoch - 1 });
  }

  private openHistory(): void {
    this.open({
      topic: 'usage.history.run',
      kind: 'history',
      firstHour: hour(FIRST_LIVE_HOUR - 4),
      lastHour: hour(FIRST_LIVE_HOUR - 2),
      namespaces: ['*'],
    });
  }

  private open(source: Partial<Source>): void {
    const { random } = this;
    const topic = source.topic ?? placeOf().topic;
    for (const [name, log] of this.current) {
      if (log.place.topic === topic) this.current.delete(name);
    }
    const earlier = [...this.topics.values()].map(({ oracle }) => oracle);
    for (let partition = 0; partition < (source.partitions ?? 1); partition++) {
      const place = placeOf(source, partition);
      const log = new SimulatedLog(place);
      this.current.set(`${topic} ${String(partition)}`, log);
      const epochs = earlier.filter(({ place: at }) => at.topic === topic);
      const oracle = new Oracle(log, epochs);
      const left = 2 + random.below(source.partitions === 2 ? 7 : 12);
      const opened = { log, oracle, left, ended: false };
      this.topics.set(partitionName(place), opened);
      this.byPlace.set(place, opened);
      this.workload.begin(
        log,
        place.source.kind === 'live' ? this.appendTime() : place.source.firstHour,
      );
    }
  }
}
