import type { Call, Commerce } from './commerce/commerce-client.ts';
import type { Failure } from './commerce/failure.ts';
import type { Gate } from './commerce/gate.ts';
import { settleByHoldings, type Doubtful, type Settled, type SettlePorts } from './look-up.ts';
import type { Item } from './submission-queue.ts';

export interface DoubtfulPorts extends SettlePorts {
  readonly commerce: Pick<Commerce, 'holdings'>;
  readonly gate: Gate;
}

/** What a look-up has found. */
export type Found =
  | { readonly kind: 'settled'; readonly settled: ReadonlyMap<Item, Settled> }
  /** Nothing could be looked up; `pause` as `Pass.failed` says. */
  | {
      readonly kind: 'failed';
      readonly items: readonly Item[];
      readonly failure: Failure;
      readonly pause: number | null;
    };

/** Submissions that are looked up together at most. */
const PAGE = 1_000;

/**
 * Commerce may have checked an earlier request of a submission, or of another bridge, just before its limit, and still
 * be storing it so long after it has first called the submission too old: looked up at once, nothing would be found, and
 * it would be carried as well. Before that, a server of Commerce whose clock is behind may accept it still: by the time
 * that all clocks are past the limit, none does.
 */
const EARLIER_IS_STORED_MILLIS = 5_000;

interface Waiting {
  readonly doubtful: Doubtful;
  /** It is not looked up before this instant. */
  readonly from: number;
}

/** Submissions that wait to be looked up. */
export class DoubtfulSubmissions {
  private readonly ports: DoubtfulPorts;
  private readonly waiting = new Map<Item, Waiting>();
  /** Milliseconds after the first `Expired` from which what Commerce holds is final. */
  private readonly settledAfter: number;

  /** @param clockSkewMillis the most by which the clocks of Commerce's servers differ */
  constructor(ports: DoubtfulPorts, clockSkewMillis: number) {
    this.ports = ports;
    this.settledAfter = clockSkewMillis + EARLIER_IS_STORED_MILLIS;
  }

  add(item: Item, { said, message }: Omit<Doubtful, 'pending'>, now: number): void {
    if (said === 'expired') item.expiredAt ??= now;
    const from = said === 'expired' ? (item.expiredAt ?? now) + this.settledAfter : now;
    this.waiting.set(item, { doubtful: { said, message, pending: item.pending }, from });
  }

  /** The instant from which some may be looked up; infinity if there are none. */
  get nextDue(): number {
    let first = Infinity;
    for (const { from } of this.waiting.values()) first = Math.min(first, from);
    return first;
  }

  /** Whether so many may be looked up now that no more fit into one look-up. */
  isFull(now: number): boolean {
    return this.waiting.size >= PAGE && this.due(now).length >= PAGE;
  }

  private due(now: number): readonly (readonly [Item, Doubtful])[] {
    return [...this.waiting].flatMap(([item, { doubtful, from }]) =>
      from <= now ? [[item, doubtful] as const] : [],
    );
  }

  /** Looks some of them up, and forgets them. Null if it may not ask before the signal is aborted. */
  async next(now: number, call: Call, stopped: AbortSignal): Promise<Found | null> {
    const page = this.due(now).slice(0, PAGE);
    const doubtful = page.map(([, each]) => each);
    const [first] = doubtful.map(({ pending }) => pending.hour).sort((a, b) => a - b);
    const pass =
      first === undefined ? null : await this.ports.gate.enter('look-up', first, stopped);
    if (pass === null) return null;
    for (const [item] of page) this.waiting.delete(item);
    const answer = await this.ports.commerce.holdings(
      doubtful.map(({ pending }) => pending),
      call,
    );
    if (call.signal.aborted) {
      pass.left();
      return null;
    }
    const items = page.map(([item]) => item);
    if (!answer.ok) {
      return { kind: 'failed', items, failure: answer.error, pause: pass.failed(answer.error) };
    }
    pass.succeeded();
    const settled = await settleByHoldings(doubtful, answer.value, this.ports);
    return {
      kind: 'settled',
      settled: new Map(
        items.flatMap((item, index) => {
          const each = settled[index];
          return each ? [[item, each] as const] : [];
        }),
      ),
    };
  }
}
