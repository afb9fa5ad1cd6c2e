import type { DeadLetterCode } from '../../services/shared/model/dead-letter.ts';
import type { Place } from '../../services/shared/usage-fold/place.ts';
import { HOUR_MILLIS } from '../../services/shared/model/time.ts';
import { uuidText, type UsageEvent } from '../../services/shared/model/usage-event.ts';
import type { Intent, RulesIntent, SimulatedLog } from './simulated-log.ts';

/** What a partition must have come to when every record below an offset has been counted. */
export interface Expected {
  readonly accepted: number;
  readonly duplicate: number;
  readonly deadLettered: number;
  readonly control: number;
  readonly watermark: number;
  readonly openHour: number;
  readonly sealed: boolean;
}

export interface ExpectedEvent {
  readonly offset: number;
  readonly id: string;
  readonly event: UsageEvent;
  readonly reportedHour: number;
  readonly usageHour: number;
  /** The window that it counts in. */
  readonly window: string;
}

export interface ExpectedLetter {
  readonly offset: number;
  readonly code: DeadLetterCode;
  readonly reportedTime: number;
}

const hourAt = (time: number): number => time - (time % HOUR_MILLIS);

export const expectedWindowKey = (
  reportedHour: number,
  usageHour: number,
  keys: { readonly meterKey: string; readonly resourceKey: string },
): string => `${String(reportedHour)} ${String(usageHour)} ${keys.meterKey} ${keys.resourceKey}`;

/**
 * Works out, from what the writers meant, what one partition must come to. It shares no code with
 * the aggregator, keeps everything, and knows nothing of chunks, owners or crashes.
 */
export class Oracle {
  readonly log: SimulatedLog;
  /** Where the partition stands at each offset: the state before the record there. */
  readonly at: Expected[];
  readonly events = new Map<number, ExpectedEvent>();
  readonly letters = new Map<number, ExpectedLetter>();
  /** The events of each window in the order of the log. */
  readonly windows = new Map<string, ExpectedEvent[]>();
  /** Accepted events by id. */
  private readonly seen = new Map<string, UsageEvent>();
  private readonly earlier: readonly Oracle[];
  private rules: { readonly intent: RulesIntent; readonly text: string } | null = null;
  private floor = 0;
  private told = 0;

  constructor(
    log: SimulatedLog,
    /** The partitions of earlier epochs. */ earlier: readonly Oracle[],
  ) {
    this.log = log;
    this.earlier = earlier;
    const { firstHour } = log.place.source;
    this.at = [
      {
        accepted: 0,
        duplicate: 0,
        deadLettered: 0,
        control: 0,
        watermark: firstHour,
        openHour: firstHour,
        sealed: false,
      },
    ];
  }

  get place(): Place {
    return this.log.place;
  }

  /** Takes note of all that has been written meanwhile. */
  catchUp(): void {
    const { log, at } = this;
    for (; this.told < log.written.length; this.told++) {
      const written = log.written[this.told];
      if (!written) break;
      this.fillTo(written.record.offset);
      at.push(this.judge(written.record.offset, written.record.timestamp, written.intent));
    }
    this.fillTo(log.high);
  }

  /** @throws where the log does not reach so far. */
  expectedAt(nextOffset: number): Expected {
    this.catchUp();
    const expected = this.at[nextOffset];
    if (!expected) throw new Error(`offset ${String(nextOffset)} is beyond the log`);
    return expected;
  }

  /** Offsets without a record count as control. */
  private fillTo(offset: number): void {
    const { at } = this;
    while (at.length <= offset) {
      const last = this.last;
      at.push({ ...last, control: last.control + 1 });
    }
  }

  private get last(): Expected {
    const last = this.at.at(-1);
    if (!last) throw new Error('there is always a first state');
    return last;
  }

  private judge(offset: number, timestamp: number, intent: Intent): Expected {
    const before = this.last;
    const { source } = this.place;
    const refuse = (code: DeadLetterCode, state: Expected): Expected => {
      this.letters.set(offset, { offset, code, reportedTime: state.watermark });
      return { ...state, deadLettered: state.deadLettered + 1 };
    };
    const control = (state: Expected): Expected => ({ ...state, control: state.control + 1 });

    if (before.sealed) return intent.kind === 'end' ? control(before) : refuse('after-end', before);
    if (source.kind === 'history') {
      const end = (source.lastHour ?? 0) + HOUR_MILLIS;
      if (timestamp < source.firstHour || timestamp >= end) return refuse('outside-run', before);
    }
    const watermark = Math.max(before.watermark, timestamp);
    const now = { ...before, watermark, openHour: hourAt(watermark) };
    switch (intent.kind) {
      case 'forged':
        return refuse('forged-control', now);
      case 'tick':
        return source.kind === 'live' ? control(now) : refuse('invalid-control', now);
      case 'end':
        return control({
          ...now,
          sealed: true,
          openHour: (source.lastHour ?? now.openHour) + HOUR_MILLIS,
        });
      case 'floor':
        if (this.rules === null || intent.floor > watermark - this.rules.intent.maxUsageAge) {
          return refuse('invalid-control', now);
        }
        this.floor = Math.max(this.floor, intent.floor);
        return control(now);
      case 'rules': {
        if (this.rules?.text === intent.text) return control(now);
        if (this.rules && intent.rules.version <= this.rules.intent.version) {
          return refuse('invalid-control', now);
        }
        this.rules = { intent: intent.rules, text: intent.text };
        return control(now);
      }
      case 'bad':
        return refuse(this.rules === null ? 'no-rules' : intent.code, now);
      case 'misplaced': {
        if (this.rules === null) return refuse('no-rules', now);
        return refuse(this.timeProblem(intent.event, watermark) ?? intent.code, now);
      }
      case 'event':
        return this.judgeEvent(offset, now, intent, refuse);
    }
  }

  private judgeEvent(
    offset: number,
    now: Expected,
    { event, namespace, firstReported }: Extract<Intent, { kind: 'event' }>,
    refuse: (code: DeadLetterCode, state: Expected) => Expected,
  ): Expected {
    if (this.rules === null) return refuse('no-rules', now);
    const { namespaces } = this.rules.intent;
    const problem =
      this.timeProblem(event, now.watermark, firstReported ?? now.watermark) ??
      (namespaces.includes('*') || namespaces.includes(namespace) ? null : 'wrong-provider');
    if (problem !== null) return refuse(problem, now);
    const id = uuidText(event.eventId);
    const first = this.firstSeen(id);
    if (first) {
      return first.quantity === event.quantity
        ? { ...now, duplicate: now.duplicate + 1 }
        : refuse('conflict', now);
    }
    this.seen.set(id, event);
    const usageHour = hourAt(event.usageStartTime);
    const keys = {
      meterKey: event.meterId.toLowerCase(),
      resourceKey: event.resourceUri.toLowerCase(),
    };
    const window = expectedWindowKey(now.openHour, usageHour, keys);
    const expected = { offset, id, event, reportedHour: now.openHour, usageHour, window };
    this.events.set(offset, expected);
    const others = this.windows.get(window);
    if (others) others.push(expected);
    else this.windows.set(window, [expected]);
    return { ...now, accepted: now.accepted + 1 };
  }

  private timeProblem(
    event: UsageEvent,
    watermark: number,
    firstReported = watermark,
  ): DeadLetterCode | null {
    if (event.usageStartTime > watermark) return 'in-future';
    const age = Math.min(firstReported, watermark) - event.usageStartTime;
    if (age > (this.rules?.intent.maxUsageAge ?? 0)) return 'too-old';
    return event.usageStartTime < this.floor ? 'below-floor' : null;
  }

  private firstSeen(id: string): UsageEvent | null {
    const here = this.seen.get(id);
    if (here) return here;
    for (const oracle of this.earlier) {
      const there = oracle.seen.get(id);
      if (there) return there;
    }
    return null;
  }
}
