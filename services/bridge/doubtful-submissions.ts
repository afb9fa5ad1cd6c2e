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

/** Submissions that wait to be looked up. */
export class DoubtfulSubmissions {
  private readonly ports: DoubtfulPorts;
  private readonly waiting = new Map<Item, Doubtful>();

  constructor(ports: DoubtfulPorts) {
    this.ports = ports;
  }

  add(item: Item, { said, message }: Omit<Doubtful, 'pending'>): void {
    this.waiting.set(item, { said, message, pending: item.pending });
  }

  get isEmpty(): boolean {
    return this.waiting.size === 0;
  }

  get isFull(): boolean {
    return this.waiting.size >= PAGE;
  }

  /** Looks some of them up, and forgets them. Null if it may not ask before the signal is aborted. */
  async next(call: Call, stopped: AbortSignal): Promise<Found | null> {
    const page = [...this.waiting].slice(0, PAGE);
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
