import { httpDateText } from '../../../services/shared/http/http-date.ts';
import { isoText, type Hour, type Millis } from '../../../services/shared/model/time.ts';
import { parseTimeInUtc } from '../../../services/shared/model/time-text.ts';
import type { Holding } from '../../../services/shared/billing/commerce-holdings.ts';
import type { Random } from '../../support/workload/random.ts';
import { Unanswered } from '../port-calls.ts';
import { violated } from '../violation.ts';

/** What Commerce holds: the first event of a resource, dimension and hour, and none after it. */
export interface Held {
  readonly quantity: number;
  readonly usageEventId: string;
  readonly resource: string;
  readonly dimension: string;
  readonly hour: number;
  /** The parts of months other than the hour's, as they were sent. */
  readonly months: Readonly<Record<string, string>>;
  /** Somebody else was first, with another quantity. */
  readonly isForeign: boolean;
}

interface SentEvent {
  readonly resourceUri: string;
  readonly quantity: number;
  readonly dimension: string;
  readonly effectiveStartTime: string;
  readonly additionalInfo?: {
    readonly usageMonths?: readonly { readonly month: string; readonly quantity: string }[];
  };
}

/** What `fetch` resolves to, as far as the client reads it. */
export interface Answered {
  readonly status: number;
  readonly headers: Headers;
  readonly body: AsyncIterable<Uint8Array>;
}

type Fields = Readonly<Record<string, unknown>>;

const DAY = 24 * 3_600_000;
const MAX_BATCH = 25;
/** The clock of one of its servers is right, that of another one behind by up to this. */
export const CLOCKS_DIFFER_BY = 300_000;
/** Resources that Commerce refuses, for good. */
export const GONE = 'gone';
/** A request with this one in it is refused as a whole. */
export const POISON = 'poison';

export const commerceKey = (hour: number, resource: string, dimension: string): string =>
  `${String(hour)}\0${resource.toLowerCase()}\0${dimension.toLowerCase()}`;

/** Commerce as documented: batches of 25, the first write wins, nothing older than a day is accepted. */
export class SimulatedCommerce {
  readonly held = new Map<string, Held>();
  readonly counts = {
    accepted: 0,
    duplicates: 0,
    expired: 0,
    rejected: 0,
    failed: 0,
    lookedUp: 0,
  };
  /** No request is answered while it is away. */
  isAway = false;
  /** Called when it goes away for longer than a day, right after it has accepted a batch. */
  onOutage: () => void = () => undefined;
  private readonly random: Random;
  private readonly now: () => number;
  private readonly faultRate: number;
  private trouble = true;
  /** Whether only some of its servers refuse those resources: what one accepted, another one may refuse when it is sent again. */
  isFickle = false;
  /** Whether the last batch has one that another server would have refused. It will, when that is sent again. */
  private isLucky = false;
  /** Whether it still refuses the resources that end with `GONE`. */
  private knowsAll = false;

  constructor(random: Random, now: () => number, faultRate: number) {
    this.random = random;
    this.now = now;
    this.faultRate = faultRate;
  }

  /** Somebody has mended why it refused resources. */
  learnResources(): void {
    this.knowsAll = true;
  }

  /** So many other requests may come in between before it has one, while the way to it is bad. */
  waits(): number {
    return this.isAway ? this.random.below(8) : 0;
  }

  /** All that it holds. */
  holdingsNow(): readonly Holding[] {
    return [...this.held.values()].map(({ hour, resource, dimension, quantity }) => {
      return { hour: hour as Hour, resourceUri: resource, dimension, quantity };
    });
  }

  /** From now on it answers as it should. */
  recover(): void {
    this.trouble = false;
    this.isAway = false;
  }

  /** @throws Unanswered while it is away */
  handle(method: string, url: URL, body: string | null): Answered {
    if (this.isAway) {
      this.counts.failed++;
      if (this.random.chance(0.5)) throw new Unanswered();
      return answer(this.random.pick([502, 503, 504]), 'away');
    }
    const fault = this.fault();
    if (fault) return fault;
    const isBatch = method === 'POST' && url.pathname === '/api/batchUsageEvent';
    if (isBatch) {
      this.isLucky = false;
      const answered = this.damaged(this.batch(body ?? ''));
      if (this.losesAnswer()) throw new Unanswered();
      if (this.trouble && this.random.chance(this.faultRate / 5)) {
        this.isAway = true;
        this.onOutage();
        throw new Unanswered();
      }
      return answered;
    }
    if (method === 'GET' && url.pathname === '/api/usageEvents') {
      this.counts.lookedUp++;
      return this.damaged(this.holdings(url.searchParams));
    }
    return violated(`Commerce has no ${method} ${url.pathname}`);
  }

  private losesAnswer(): boolean {
    return this.isLucky && this.random.chance(0.5);
  }

  private fault(): Answered | null {
    const { random } = this;
    if (!this.trouble || !random.chance(this.faultRate)) return null;
    this.counts.failed++;
    const seconds: Record<string, string> = random.chance(0.5) ? { 'retry-after': '7' } : {};
    return answer(random.pick([429, 500, 503]), 'busy', seconds);
  }

  /** A body that breaks off, after all was done. */
  private damaged(given: { readonly status: number; readonly body: unknown }): Answered {
    const text = JSON.stringify(given.body);
    const half = this.trouble && this.random.chance(this.faultRate / 2);
    // Commerce's clock may be behind or ahead by a little.
    const date = httpDateText(this.now() as Millis);
    return answer(given.status, half ? text.slice(0, text.length >> 1) : text, { date });
  }

  private batch(body: string): { status: number; body: unknown } {
    const { request } = JSON.parse(body) as { readonly request: readonly SentEvent[] };
    if (request.length === 0 || request.length > MAX_BATCH) {
      return violated(`a batch of ${String(request.length)}`);
    }
    const keys = request.map((event) => keyOf(event));
    if (new Set(keys).size !== keys.length) violated('a batch has one event twice');
    if (request.some(({ resourceUri }) => resourceUri.endsWith(POISON))) {
      this.counts.rejected++;
      const details = [{ message: 'The resourceUri is invalid.', target: 'resourceUri' }];
      return { status: 400, body: { code: 'BadArgument', message: 'One or more errors', details } };
    }
    const clock = this.now() - (this.trouble ? this.random.below(CLOCKS_DIFFER_BY + 1) : 0);
    const result = request.map((event, at) => this.item(event, keys[at] ?? '', clock));
    return { status: 200, body: { count: result.length, result } };
  }

  /** @param clock of the server that was asked */
  private item(event: SentEvent, key: string, clock: number): Fields {
    const { random, counts } = this;
    const hour = instantOf(event.effectiveStartTime);
    const echoed = { ...event, messageTime: isoText(this.now() as Millis) };
    if (this.trouble && random.chance(this.faultRate / 2)) {
      return { ...echoed, status: 'Error', error: { message: 'try again' } };
    }
    const isKnown = this.knowsAll || (this.isFickle && random.chance(0.5));
    if (event.resourceUri.endsWith(GONE) && !isKnown) {
      counts.rejected++;
      return { ...echoed, status: 'ResourceNotFound', error: { message: 'there is none' } };
    }
    const isExpired = hour < clock - DAY || hour > clock;
    const isFree = !isExpired && !this.held.has(key);
    if (isFree && this.trouble && random.chance(this.faultRate / 20)) {
      this.hold(event, hour, key, true);
    }
    const holding = this.held.get(key);
    // Which of the two is told of what is both is not documented.
    if (isExpired && !(holding && random.chance(0.5))) {
      counts.expired++;
      return { ...echoed, status: 'Expired', error: { message: 'out of time' } };
    }
    if (holding) {
      counts.duplicates++;
      const acceptedMessage = this.trouble && random.chance(0.2) ? {} : holding;
      return { ...echoed, status: 'Duplicate', error: { additionalInfo: { acceptedMessage } } };
    }
    if (!(event.quantity > 0))
      violated(`${event.resourceUri} is sent with ${String(event.quantity)}`);
    counts.accepted++;
    if (event.resourceUri.endsWith(GONE) && !this.knowsAll) this.isLucky = true;
    const usageEventId = this.hold(event, hour, key, false);
    return { ...echoed, status: 'Accepted', usageEventId };
  }

  private hold(event: SentEvent, hour: number, key: string, isForeign: boolean): string {
    const usageEventId = `event-${String(this.held.size)}`;
    const months = event.additionalInfo?.usageMonths ?? [];
    this.held.set(key, {
      quantity: isForeign ? event.quantity + 1 : event.quantity,
      usageEventId,
      resource: event.resourceUri,
      dimension: event.dimension,
      hour,
      months: Object.fromEntries(months.map(({ month, quantity }) => [month, quantity])),
      isForeign,
    });
    return usageEventId;
  }

  private holdings(query: URLSearchParams): { status: number; body: unknown } {
    const from = instantOf(query.get('usageStartDate') ?? '');
    const to = instantOf(query.get('UsageEndDate') ?? '');
    const has = (name: string, value: string): boolean => {
      const wanted = query.get(name);
      return wanted === null || wanted.toLowerCase() === value.toLowerCase();
    };
    const rows = [...this.held.values()].filter(
      ({ hour, resource, dimension }) =>
        hour >= from &&
        hour <= to &&
        has('usageResourceId', resource) &&
        has('dimension', dimension),
    );
    return {
      status: 200,
      body: rows.map(({ hour, resource, dimension, quantity }) => ({
        usageDate: isoText(hour as Millis),
        usageResourceId: resource,
        dimension,
        submittedQuantity: quantity,
        processedQuantity: quantity,
      })),
    };
  }
}

const instantOf = (text: string): number => {
  const parsed = parseTimeInUtc(text);
  return parsed.ok ? parsed.value.instant : violated(`${text} is no time`);
};

const keyOf = ({ effectiveStartTime, resourceUri, dimension }: SentEvent): string =>
  commerceKey(instantOf(effectiveStartTime), resourceUri, dimension);

const answer = (
  status: number,
  body: string,
  headers: Readonly<Record<string, string>> = {},
): Answered => ({
  status,
  headers: new Headers(headers),
  body: {
    async *[Symbol.asyncIterator]() {
      yield await Promise.resolve(Buffer.from(body));
    },
  },
});
