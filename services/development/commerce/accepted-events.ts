import { z } from 'zod';
import {
  isoText,
  millis,
  monthOf,
  nextMonth,
  type Hour,
  type Millis,
} from '../../shared/model/time.ts';
import { timeOf } from '../../shared/model/time-text.ts';
import { additionalInfoSchema } from './additional-info.ts';
import { identityOf, type AcceptedEvent, type Identity } from './metering-event.ts';
import { AFTER_SEPARATOR, SEPARATOR, type Change, type Store } from './store.ts';

/** What became of an event that passed the checks. */
export type Decision =
  | { readonly kind: 'accepted'; readonly event: AcceptedEvent }
  /** `event` is the one that was accepted before and stays. */
  | { readonly kind: 'duplicate'; readonly event: AcceptedEvent };

export interface Scan {
  readonly order: 'oldest first' | 'newest first';
  /** First hour. */
  readonly from?: Hour;
  /** Last hour, inclusive. */
  readonly through?: Hour;
  /** Start after this one, in the order of the scan. */
  readonly after?: Identity;
  /** Asked before an event is read. */
  readonly matches?: (identity: Identity) => boolean;
}

/** A request that is not decided yet. */
interface Waiting {
  readonly candidates: readonly AcceptedEvent[];
  readonly resolve: (decisions: readonly Decision[]) => void;
  readonly reject: (error: unknown) => void;
}

/** The accepted events in the store. */
export class AcceptedEvents {
  private readonly store: Store;
  private accepted: number;
  private readonly versions = new Map<Millis, number>();
  private waiting: Waiting[] = [];

  private constructor(store: Store, accepted: number) {
    this.store = store;
    this.accepted = accepted;
  }

  static async load(store: Store): Promise<AcceptedEvents> {
    return new AcceptedEvents(store, Number((await store.db.get(COUNT)) ?? 0));
  }

  /**
   * Accepts each candidate unless an event of its identity was accepted before, in an earlier request or
   * earlier in this one: the first write wins. Requests are decided one after another. Those that wait while one
   * is being written are one write together, on disk before any of them is done. After a rejection it is unknown
   * whether the request was stored, so the process must end.
   */
  accept(candidates: readonly AcceptedEvent[]): Promise<readonly Decision[]> {
    return new Promise((resolve, reject) => {
      this.waiting.push({ candidates, resolve, reject });
      if (this.waiting.length === 1) void this.store.decide(() => this.acceptWaiting());
    });
  }

  private async acceptWaiting(): Promise<void> {
    const requests = this.waiting;
    this.waiting = [];
    try {
      const decisions = await this.acceptNow(requests.flatMap(({ candidates }) => candidates));
      let from = 0;
      for (const { candidates, resolve } of requests) {
        resolve(decisions.slice(from, from + candidates.length));
        from += candidates.length;
      }
    } catch (error) {
      for (const { reject } of requests) reject(error);
    }
  }

  private async acceptNow(candidates: readonly AcceptedEvent[]): Promise<readonly Decision[]> {
    const keys = candidates.map((candidate) => keyOf(identityOf(candidate)));
    const stored = await this.store.db.getMany(keys);
    const standing = new Map<string, AcceptedEvent>();
    stored.forEach((value, i) => {
      const key = keys[i];
      if (key !== undefined && value !== undefined) standing.set(key, readEvent(key, value));
    });
    const changes: Change[] = [];
    const fresh: AcceptedEvent[] = [];
    const reported = new Map<Millis, string[]>();
    const outcomes = candidates.map((candidate): Decision => {
      const key = keyOf(identityOf(candidate));
      const earlier = standing.get(key);
      if (earlier) return { kind: 'duplicate', event: earlier };
      standing.set(key, candidate);
      fresh.push(candidate);
      changes.push({ type: 'put', key, value: writeEvent(candidate) });
      const together = reported.get(candidate.messageTime);
      if (together) together.push(key);
      else reported.set(candidate.messageTime, [key]);
      return { kind: 'accepted', event: candidate };
    });
    if (fresh.length === 0) return outcomes;
    for (const [time, [first = '', ...others]] of reported) {
      const value = [first, ...others].join(KEY_SEPARATOR);
      changes.push({ type: 'put', key: reportedKey(time) + first, value });
    }
    const accepted = this.accepted + fresh.length;
    await this.store.write([...changes, { type: 'put', key: COUNT, value: String(accepted) }]);
    this.accepted = accepted;
    for (const { hour } of fresh) this.raiseVersion(monthOf(hour));
    return outcomes;
  }

  async *scan({ order, from, through, after, matches }: Scan): AsyncGenerator<AcceptedEvent> {
    const reverse = order === 'newest first';
    const low = from === undefined ? FIRST_EVENT : isoText(from);
    const high = through === undefined ? AFTER_EVENTS : isoText(through) + AFTER_SEPARATOR;
    const start = after && keyOf(after);
    const range =
      start === undefined
        ? { gte: low, lt: high }
        : reverse
          ? { gte: low, lt: start < high ? start : high }
          : { gt: start > low ? start : low, lt: high };
    for await (const [key, value] of this.store.db.iterator({ ...range, reverse })) {
      if (matches && !matches(identityFrom(key))) continue;
      yield readEvent(key, value);
    }
  }

  /** What was accepted from one instant to another, exclusive, in the order of acceptance. */
  async *acceptedBetween(from: Millis, to: Millis): AsyncGenerator<AcceptedEvent> {
    const range = { gte: reportedKey(from), lt: reportedKey(to) };
    for await (const together of this.store.db.values(range)) {
      const keys = together.split(KEY_SEPARATOR);
      const values = await this.store.db.getMany(keys);
      for (const [index, key] of keys.entries()) {
        const value = values[index];
        if (value === undefined) throw new Error('an accepted event is missing in the store');
        yield readEvent(key, value);
      }
    }
  }

  /** How many were accepted. */
  count(): number {
    return this.accepted;
  }

  /** Reads the store, to show that it answers. */
  async probe(): Promise<void> {
    await this.store.db.get(COUNT);
  }

  /** The months with accepted usage, oldest first. */
  async months(): Promise<readonly Millis[]> {
    const months: Millis[] = [];
    for (let low = FIRST_EVENT; ;) {
      const [key] = await this.store.db.keys({ gte: low, lt: AFTER_EVENTS, limit: 1 }).all();
      if (key === undefined) return months;
      const month = monthOf(timeOf(identityFrom(key).hour));
      months.push(month);
      low = isoText(nextMonth(month));
    }
  }

  /** Rises whenever something is accepted in a month: what was computed from it is out of date then. */
  versionOf(month: Millis): number {
    return this.versions.get(month) ?? 0;
  }

  private raiseVersion(month: Millis): void {
    this.versions.set(month, this.versionOf(month) + 1);
  }
}

const COUNT = '!count';
const FIRST_EVENT = '0'; // hours begin with the year's digits
const AFTER_EVENTS = ':'; // the character after 9

const keyOf = ({ hour, resource, dimension }: Identity): string =>
  [hour, resource, dimension].join(SEPARATOR);

const identityFrom = (key: string): Identity => {
  const [hour = '', resource = '', dimension = ''] = key.split(SEPARATOR);
  return { hour, resource, dimension };
};

/** Of one length for all times, so that keys sort by time. */
const reportedKey = (time: Millis): string =>
  `!reported${SEPARATOR}${String(time).padStart(15, '0')}${SEPARATOR}`;

/** Between the keys of events that were accepted together. No name has a control character. */
const KEY_SEPARATOR = '\n';

const storedEvent = z.object({
  usageEventId: z.string(),
  messageTime: z.number().transform(millis),
  resource: z.union([z.object({ resourceId: z.string() }), z.object({ resourceUri: z.string() })]),
  quantity: z.number(),
  dimension: z.string(),
  effectiveStartTime: z.string(),
  planId: z.string(),
  additionalInfo: additionalInfoSchema.nullable(),
  registration: z.string(),
  tenantSubscription: z.string().nullable(),
  billedTo: z.string(),
});

const writeEvent = ({ hour: _, ...event }: AcceptedEvent): string => JSON.stringify(event);

const readEvent = (key: string, value: string): AcceptedEvent => ({
  ...storedEvent.parse(JSON.parse(value)),
  hour: timeOf(identityFrom(key).hour),
});
