import { ClassicLevel } from 'classic-level';
import { z } from 'zod';
import {
  addQuantities,
  formatQuantity,
  parseQuantity,
  ZERO,
  type Quantity,
} from '../../shared/model/decimal.ts';
import { quantityFromDouble } from '../../shared/billing/double.ts';
import { makeDirectory } from '../../shared/process/directory.ts';
import { messageOf, UserError } from '../../shared/process/errors.ts';
import { Serial } from '../../shared/process/serial.ts';
import { isoText, millis, type Hour } from '../../shared/model/time.ts';
import { timeOf } from '../../shared/model/time-text.ts';
import { identityOf, type AcceptedEvent, type Identity } from './metering-event.ts';

/** What became of an event that passed the checks. */
export type Decision =
  | { readonly kind: 'accepted'; readonly event: AcceptedEvent }
  /** `event` is the one that was accepted before and stays. */
  | { readonly kind: 'duplicate'; readonly event: AcceptedEvent };

/** The total of what was accepted for one dimension. */
export interface DimensionTotal {
  /** In the spelling of the first event. */
  readonly dimension: string;
  readonly count: number;
  /** The sum of their doubles, each as its shortest decimal text, so that the rows add up to it. */
  readonly quantity: Quantity;
}

export interface Totals {
  readonly count: number;
  readonly firstHour: string | null;
  readonly lastHour: string | null;
  readonly dimensions: readonly DimensionTotal[];
}

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

/**
 * The accepted events, in an embedded store on disk.
 *
 *     <hour> NUL <resource> NUL <dimension>   an accepted event, under its identity
 *     !total NUL <dimension>                  the sum of the accepted events of a dimension
 *
 * A key begins with the hour, so keys are also the index by date. The events of a request and the totals
 * that they raise are one write, on disk before `accept` returns.
 */
export class AcceptedEvents {
  private readonly db: ClassicLevel;
  private readonly totalsByDimension: Map<string, DimensionTotal>;
  private readonly serial = new Serial();

  private constructor(db: ClassicLevel, totals: Map<string, DimensionTotal>) {
    this.db = db;
    this.totalsByDimension = totals;
  }

  /** @throws UserError if the directory cannot be used, or another process uses it */
  static async open(directory: string): Promise<AcceptedEvents> {
    await makeDirectory('The store of Commerce', directory, 'COMMERCE_DATA_DIR');
    try {
      const db = new ClassicLevel(directory);
      await db.open();
      return new AcceptedEvents(db, await readTotals(db));
    } catch (error) {
      throw explainOpenError(directory, error);
    }
  }

  /**
   * Accepts each candidate unless an event of its identity was accepted before, in an earlier request or
   * earlier in this one: the first write wins. Requests are decided one after another. After a rejection it
   * is unknown whether the request was stored, so the process must end.
   */
  accept(candidates: readonly AcceptedEvent[]): Promise<readonly Decision[]> {
    return this.serial.run(() => this.acceptNow(candidates));
  }

  private async acceptNow(candidates: readonly AcceptedEvent[]): Promise<readonly Decision[]> {
    const keys = candidates.map((candidate) => keyOf(identityOf(candidate)));
    const stored = await this.db.getMany(keys);
    const standing = new Map<string, AcceptedEvent>();
    stored.forEach((value, i) => {
      const key = keys[i];
      if (key !== undefined && value !== undefined) standing.set(key, readEvent(key, value));
    });
    const puts: { type: 'put'; key: string; value: string }[] = [];
    const raised = new Map<string, DimensionTotal>();
    const outcomes = candidates.map((candidate): Decision => {
      const identity = identityOf(candidate);
      const key = keyOf(identity);
      const earlier = standing.get(key);
      if (earlier) return { kind: 'duplicate', event: earlier };
      standing.set(key, candidate);
      puts.push({ type: 'put', key, value: writeEvent(candidate) });
      const total =
        raised.get(identity.dimension) ?? this.totalsByDimension.get(identity.dimension);
      raised.set(identity.dimension, raise(total, candidate));
      return { kind: 'accepted', event: candidate };
    });
    if (puts.length === 0) return outcomes;
    for (const [key, total] of raised) {
      puts.push({ type: 'put', key: TOTALS + key, value: writeTotal(total) });
    }
    await this.db.batch(puts, { sync: true }).catch((error: unknown) => {
      throw explainWriteError(this.db.location, error);
    });
    for (const [key, total] of raised) this.totalsByDimension.set(key, total);
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
    for await (const [key, value] of this.db.iterator({ ...range, reverse })) {
      if (matches && !matches(identityFrom(key))) continue;
      yield readEvent(key, value);
    }
  }

  async totals(): Promise<Totals> {
    const dimensions = [...this.totalsByDimension.values()];
    return {
      count: dimensions.reduce((sum, { count }) => sum + count, 0),
      firstHour: await this.edge(false),
      lastHour: await this.edge(true),
      dimensions,
    };
  }

  /** Waits for the requests that are being decided, and closes the store. */
  async close(): Promise<void> {
    await this.serial.run(() => this.db.close());
  }

  private async edge(reverse: boolean): Promise<string | null> {
    const range = { gte: FIRST_EVENT, lt: AFTER_EVENTS };
    const [key] = await this.db.keys({ ...range, reverse, limit: 1 }).all();
    return key === undefined ? null : identityFrom(key).hour;
  }
}

const SEPARATOR = '\0';
const AFTER_SEPARATOR = '\x01';
const TOTALS = `!total${SEPARATOR}`;
const AFTER_TOTALS = `!total${AFTER_SEPARATOR}`;
const FIRST_EVENT = '0'; // hours begin with the year's digits
const AFTER_EVENTS = ':'; // the character after 9

const keyOf = ({ hour, resource, dimension }: Identity): string =>
  [hour, resource, dimension].join(SEPARATOR);

const identityFrom = (key: string): Identity => {
  const [hour = '', resource = '', dimension = ''] = key.split(SEPARATOR);
  return { hour, resource, dimension };
};

const total = z.string().transform((text, context): Quantity => {
  const value = parseQuantity(text);
  if (value !== null) return value;
  context.addIssue('is no quantity');
  return z.NEVER;
});

const storedEvent = z.object({
  usageEventId: z.string(),
  messageTime: z.number().transform(millis),
  resource: z.union([z.object({ resourceId: z.string() }), z.object({ resourceUri: z.string() })]),
  quantity: z.number(),
  dimension: z.string(),
  effectiveStartTime: z.string(),
  planId: z.string(),
});

const storedTotal = z.object({ dimension: z.string(), count: z.int(), quantity: total });

const writeEvent = ({ hour: _, ...event }: AcceptedEvent): string => JSON.stringify(event);

const readEvent = (key: string, value: string): AcceptedEvent => ({
  ...storedEvent.parse(JSON.parse(value)),
  hour: timeOf(identityFrom(key).hour),
});

const writeTotal = (total: DimensionTotal): string =>
  JSON.stringify({ ...total, quantity: formatQuantity(total.quantity) });

const readTotals = async (db: ClassicLevel): Promise<Map<string, DimensionTotal>> => {
  const entries = await db.iterator({ gte: TOTALS, lt: AFTER_TOTALS }).all();
  return new Map(
    entries.map(([key, value]) => [key.slice(TOTALS.length), storedTotal.parse(JSON.parse(value))]),
  );
};

const raise = (total: DimensionTotal | undefined, event: AcceptedEvent): DimensionTotal => ({
  dimension: total?.dimension ?? event.dimension,
  count: (total?.count ?? 0) + 1,
  quantity: addQuantities(total?.quantity ?? ZERO, quantityFromDouble(event.quantity)),
});

const explainOpenError = (directory: string, error: unknown): UserError => {
  // The store's error has the reason in its cause.
  const cause = (error as { readonly cause?: unknown }).cause ?? error;
  const locked = (cause as { readonly code?: unknown }).code === 'LEVEL_LOCKED';
  return new UserError(
    locked
      ? `The store ${directory} is in use by another process: stop that one, or set COMMERCE_DATA_DIR to another directory.`
      : `The store ${directory} cannot be opened (${messageOf(cause)}): correct that, or set COMMERCE_DATA_DIR to another directory.`,
    { cause: error },
  );
};

const explainWriteError = (directory: string, error: unknown): UserError =>
  new UserError(
    `The store ${directory} cannot be written (${messageOf(error)}): correct that and start again; what was answered Accepted is stored.`,
    { cause: error },
  );
