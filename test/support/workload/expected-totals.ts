import type { ControlKind } from '../../../services/shared/model/control-record.ts';
import type { DeadLetterCode } from '../../../services/shared/model/dead-letter.ts';
import { addQuantities, type Quantity } from '../../../services/shared/model/decimal.ts';
import { asciiLower } from '../../../services/shared/model/placement.ts';
import { DEFAULT_MAX_USAGE_AGE_MILLIS } from '../../../services/shared/model/rules.ts';
import {
  partitionName,
  type Source,
  type SourcePartition,
} from '../../../services/shared/model/source.ts';
import {
  dayOf,
  hourOf,
  millis,
  type Hour,
  type Millis,
} from '../../../services/shared/model/time.ts';
import { uuidText, type UsageEvent } from '../../../services/shared/model/usage-event.ts';
import type { LogRecord } from '../../../services/shared/model/log-record.ts';
import type { Emission } from './emission.ts';

/** What the oracle must know of a source; a `Source` will do. */
export type ExpectedSource = Pick<
  Source,
  'topic' | 'epoch' | 'kind' | 'partitions' | 'firstHour' | 'lastHour' | 'hourMillis'
>;

/** What a window of an hour, or of a day, must hold. */
export interface ExpectedWindow {
  readonly at: SourcePartition;
  /** The reported hour, or day. */
  readonly reported: Millis;
  /** The usage hour, or day. */
  readonly usage: Millis;
  /** Its event with the lowest offset, whose attributes it shows. */
  readonly first: UsageEvent;
  readonly firstOffset: number;
  quantity: Quantity;
  eventCount: number;
  lastOffset: number;
  /** The last reported hour that is in it. */
  lastHour: Hour;
}

export interface ExpectedEvent {
  readonly offset: number;
  readonly reportedTime: Millis;
  readonly event: UsageEvent;
}

export type RecordContent = Pick<LogRecord, 'key' | 'value' | 'headers'>;

export interface ExpectedDeadLetter {
  readonly offset: number;
  readonly code: DeadLetterCode;
  readonly reportedTime: Millis;
  readonly timestamp: Millis;
  readonly record: RecordContent;
}

/** What a partition must have come to. */
export interface ExpectedPartition {
  readonly at: SourcePartition;
  readonly source: ExpectedSource;
  nextOffset: number;
  watermark: Millis;
  /** Every reported hour before it is closed. */
  openHour: Hour;
  sealed: boolean;
  hasRules: boolean;
  accepted: number;
  duplicate: number;
  deadLettered: number;
  control: number;
  readonly windows: Map<string, ExpectedWindow>;
  readonly deadLetters: ExpectedDeadLetter[];
  readonly events: ExpectedEvent[];
  /** Accepted events by usage hour and id. */
  readonly ids: Map<string, UsageEvent>;
}

/**
 * Works out what must stand in ClickHouse from what the broker really acknowledged. It shares no code
 * with the aggregator: it is slow and simple, keeps everything in memory, and is told what each record
 * is instead of decoding it. An epoch must be told after those before it; each partition in the
 * order of its log, from offset 0.
 */
export class ExpectedTotals {
  private readonly byName = new Map<string, ExpectedPartition>();
  private readonly maxUsageAgeMillis: number;

  constructor(
    sources: readonly ExpectedSource[],
    maxUsageAgeMillis: number = DEFAULT_MAX_USAGE_AGE_MILLIS,
  ) {
    this.maxUsageAgeMillis = maxUsageAgeMillis;
    for (const source of sources) {
      for (let partition = 0; partition < source.partitions; partition++) {
        const { topic, epoch } = source;
        const at = { topic, epoch, partition };
        this.byName.set(partitionName(at), newPartition(at, source));
      }
    }
  }

  get partitions(): readonly ExpectedPartition[] {
    return [...this.byName.values()];
  }

  /** @throws where no source has it. */
  partition(at: SourcePartition): ExpectedPartition {
    const partition = this.byName.get(partitionName(at));
    if (!partition) throw new Error(`${partitionName(at)} belongs to no source of the oracle`);
    return partition;
  }

  /** A record of the workload that stands in the log. The timestamp is the log's. */
  record(at: SourcePartition, offset: number, timestamp: Millis, emission: Emission): void {
    const partition = this.partition(at);
    this.take(partition, offset);
    const { intent } = emission;
    const refused = this.moveTime(partition, timestamp);
    const code =
      refused ??
      (intent.kind === 'bad' && intent.code === 'forged-control' ? intent.code : null) ??
      (partition.hasRules ? null : 'no-rules') ??
      (intent.kind === 'bad' ? intent.code : this.timeProblem(partition, intent.event));
    if (code !== null) {
      refuse(partition, offset, timestamp, code, emission);
      return;
    }
    if (intent.kind === 'bad') return; // its code was not null
    const earlier = this.accepted(partition, intent.event);
    if (earlier === null) accept(partition, offset, intent.event);
    else if (sameContent(earlier, intent.event)) partition.duplicate++;
    else refuse(partition, offset, timestamp, 'conflict', emission);
  }

  /**
   * A signed control record that stands in the log and is allowed there: rules of a higher version
   * (or the same again), a tick on a live topic, an end.
   */
  control(
    at: SourcePartition,
    offset: number,
    timestamp: Millis,
    kind: ControlKind,
    record: RecordContent,
  ): void {
    const partition = this.partition(at);
    this.take(partition, offset);
    const isEndAgain = partition.sealed && kind === 'end';
    const refused = isEndAgain ? null : this.moveTime(partition, timestamp);
    if (refused !== null) {
      refuse(partition, offset, timestamp, refused, record);
      return;
    }
    partition.control++;
    if (kind === 'rules') partition.hasRules = true;
    if (kind === 'end' && !isEndAgain) {
      const { lastHour, hourMillis } = partition.source;
      partition.sealed = true;
      partition.openHour = ((lastHour ?? partition.openHour) + hourMillis) as Hour;
    }
  }

  /** All hourly windows, those of open hours too. */
  *hourly(): Generator<ExpectedWindow, void, undefined> {
    for (const { windows } of this.byName.values()) yield* windows.values();
  }

  /** The daily windows: usage reported in closed hours, added up. */
  daily(): readonly ExpectedWindow[] {
    const days = new Map<string, ExpectedWindow>();
    for (const partition of this.byName.values()) {
      const { hourMillis } = partition.source;
      for (const hour of partition.windows.values()) {
        if (hour.reported >= partition.openHour) continue;
        const reported = dayOf(hour.lastHour, hourMillis);
        const usage = dayOf(hourOf(hour.usage, hourMillis), hourMillis);
        const key = `${partitionName(partition.at)} ${windowKey(reported, usage, hour.first)}`;
        addUp(days, key, { ...hour, reported, usage });
      }
    }
    return [...days.values()];
  }

  private take(partition: ExpectedPartition, offset: number): void {
    if (offset < partition.nextOffset) {
      throw new Error(
        `${partitionName(partition.at)} was told offset ${String(offset)} after ${String(partition.nextOffset - 1)}`,
      );
    }
    partition.control += offset - partition.nextOffset; // offsets without a record
    partition.nextOffset = offset + 1;
  }

  /** Moves the running maximum on, unless the record lies outside the source's hours. */
  private moveTime(partition: ExpectedPartition, timestamp: Millis): DeadLetterCode | null {
    const { kind, firstHour, lastHour, hourMillis } = partition.source;
    if (partition.sealed) return 'after-end';
    if (kind === 'history' && lastHour !== null) {
      if (timestamp < firstHour || timestamp >= lastHour + hourMillis) return 'outside-run';
    }
    partition.watermark = millis(Math.max(partition.watermark, timestamp));
    partition.openHour = hourOf(partition.watermark, hourMillis);
    return null;
  }

  private timeProblem(
    { watermark }: ExpectedPartition,
    { usageStartTime }: UsageEvent,
  ): DeadLetterCode | null {
    if (usageStartTime > watermark) return 'in-future';
    return watermark - usageStartTime > this.maxUsageAgeMillis ? 'too-old' : null;
  }

  /** The event that was accepted under this id: on the partition, or in an earlier epoch of the topic. */
  private accepted(partition: ExpectedPartition, event: UsageEvent): UsageEvent | null {
    const key = idKey(partition, event);
    const here = partition.ids.get(key);
    if (here) return here;
    const { topic, epoch } = partition.at;
    if (epoch === 1) return null;
    for (const other of this.byName.values()) {
      if (other.at.topic !== topic || other.at.epoch >= epoch) continue;
      const earlier = other.ids.get(key);
      if (earlier) return earlier;
    }
    return null;
  }
}

const newPartition = (at: SourcePartition, source: ExpectedSource): ExpectedPartition => ({
  at,
  source,
  nextOffset: 0,
  watermark: source.firstHour,
  openHour: source.firstHour,
  sealed: false,
  hasRules: false,
  accepted: 0,
  duplicate: 0,
  deadLettered: 0,
  control: 0,
  windows: new Map(),
  deadLetters: [],
  events: [],
  ids: new Map(),
});

const refuse = (
  partition: ExpectedPartition,
  offset: number,
  timestamp: Millis,
  code: DeadLetterCode,
  record: RecordContent,
): void => {
  partition.deadLettered++;
  partition.deadLetters.push({
    offset,
    code,
    reportedTime: partition.watermark,
    timestamp,
    record,
  });
};

const accept = (partition: ExpectedPartition, offset: number, event: UsageEvent): void => {
  const { watermark, source } = partition;
  partition.accepted++;
  partition.ids.set(idKey(partition, event), event);
  partition.events.push({ offset, reportedTime: watermark, event });
  const reported = hourOf(watermark, source.hourMillis);
  const usage = hourOf(event.usageStartTime, source.hourMillis);
  addUp(partition.windows, windowKey(reported, usage, event), {
    at: partition.at,
    reported,
    usage,
    first: event,
    firstOffset: offset,
    quantity: event.quantity,
    eventCount: 1,
    lastOffset: offset,
    lastHour: reported,
  });
};

/** Parts come in the order of their first offsets, within one partition. */
const addUp = (windows: Map<string, ExpectedWindow>, key: string, part: ExpectedWindow): void => {
  const window = windows.get(key);
  if (!window) {
    windows.set(key, { ...part });
    return;
  }
  window.quantity = addQuantities(window.quantity, part.quantity);
  window.eventCount += part.eventCount;
  window.lastOffset = Math.max(window.lastOffset, part.lastOffset);
  window.lastHour = Math.max(window.lastHour, part.lastHour) as Hour;
};

const windowKey = (reported: Millis, usage: Millis, event: UsageEvent): string =>
  [
    reported,
    usage,
    asciiLower(event.subscriptionId),
    asciiLower(event.meterId),
    asciiLower(event.resourceUri),
  ].join('\0');

const idKey = ({ source }: ExpectedPartition, event: UsageEvent): string =>
  `${String(hourOf(event.usageStartTime, source.hourMillis))} ${uuidText(event.eventId)}`;

const sameContent = (a: UsageEvent, b: UsageEvent): boolean =>
  a === b ||
  (asciiLower(a.subscriptionId) === asciiLower(b.subscriptionId) &&
    asciiLower(a.meterId) === asciiLower(b.meterId) &&
    asciiLower(a.resourceUri) === asciiLower(b.resourceUri) &&
    a.usageStartTime === b.usageStartTime &&
    a.usageEndTime === b.usageEndTime &&
    a.quantity === b.quantity &&
    a.location === b.location &&
    a.tags === b.tags &&
    a.additionalInfo === b.additionalInfo);
