import type { Logger } from 'pino';
import { Attempt } from '../shared/process/attempt.ts';
import { isoText, type Millis } from '../shared/model/time.ts';
import type { Commerce, Failure } from './commerce/commerce-client.ts';
import type { ItemAnswer } from './commerce/read-answer.ts';
import { MAX_BATCH } from './commerce/usage-message.ts';
import { settleByLookingUp, type CannotCarry, type Doubtful } from './look-up.ts';
import { deadLetter, heldOutcome } from './outcome.ts';
import type { Outbox, Outcome, Pending, Store, Unfinished } from './ports.ts';
import { SubmissionQueue, type Item } from './submission-queue.ts';

export interface SenderOptions {
  /** The longest pause between two attempts, in milliseconds. */
  readonly retryMillis: number;
}

export interface SenderPorts {
  readonly store: Pick<Store, 'pendingOf' | 'writeOutcomes'>;
  readonly commerce: Commerce;
  readonly outbox: Outbox;
  /** Reads what determines whether a submission's quantity can go into a later composition. */
  readonly cannotCarry: () => Promise<CannotCarry>;
  /** Called when the last submission of a composition has its outcome. */
  readonly finished: (composition: Unfinished) => void;
  readonly now: () => number;
  readonly logger: Logger;
  /** Runs a step again until it succeeds or the sender is dropped. */
  readonly persist: <T>(what: string, step: () => Promise<T>, signal: AbortSignal) => Promise<T>;
}

export interface SenderStatus {
  readonly pending: number;
  /** What keeps it from sending; null while all is well. */
  readonly lastError: string | null;
  /** Milliseconds for which sending, looking up, or storing for it has been tried without success. */
  readonly notSentFor: number;
}

const FIRST_DELAY = 500;
/** Submissions that are looked up, carried and recorded together. */
const PAGE = 250;
/**
 * After this many puzzling answers in a row, submissions are sent one by one: one of them may be the cause.
 */
const PUZZLED_BEFORE_SINGLES = 3;

/**
 * Sends the submissions of stored compositions to Commerce until each has a final outcome, in the order of
 * their hours. It may run in several processes at once, and may be killed at any moment: submissions never
 * change, and for each resource, dimension and hour Commerce keeps the one that it accepted first.
 *
 * | Commerce says                         | outcome                                                |
 * |---------------------------------------|--------------------------------------------------------|
 * | Accepted, with our quantity's double  | accepted                                               |
 * | Duplicate, with that double           | duplicate                                              |
 * | either, with another double           | mismatch, and an error is logged                       |
 * | Duplicate, without a quantity         | looked up, as Expired                                  |
 * | Expired, and it holds that double     | accepted: the answer to an earlier send was lost       |
 * | Expired, and it holds another one     | mismatch                                               |
 * | Expired, and it holds nothing         | carried; where nothing can carry it, dead-lettered     |
 * | Expired, before its clock is there    | none yet: sent again later                             |
 * | Error                                 | none yet: sent again later, others go first            |
 * | another status                        | dead-lettered                                          |
 * | 400 to the batch                      | sent one by one; 400 to one alone: dead-lettered       |
 * | anything else, or nothing             | none yet: all is sent again, later and later           |
 */
export class Sender {
  private readonly ports: SenderPorts;
  private readonly options: SenderOptions;
  private readonly dropped = new AbortController();
  private readonly queue = new SubmissionQueue();
  private stopping = false;
  /** Consecutive failures of sending and of looking up. */
  private readonly failures = { send: 0, lookUp: 0 };
  private readonly tries: Readonly<Record<'send' | 'lookUp' | 'store', Attempt>>;
  private puzzles = 0;
  private pausedUntil = 0;
  private lastError: string | null = null;
  private wake: () => void = () => undefined;
  private running: Promise<void> = Promise.resolve();

  constructor(ports: SenderPorts, options: SenderOptions) {
    this.ports = ports;
    this.options = options;
    const attempt = (): Attempt => new Attempt(ports.now);
    this.tries = { send: attempt(), lookUp: attempt(), store: attempt() };
  }

  /** @param onCrash called when a defect has ended the sender */
  start(onCrash: (error: Error) => void): void {
    this.running = this.run().catch((error: unknown) => {
      if (!this.isDropped()) onCrash(error as Error);
    });
  }

  /** Adds stored compositions. */
  add(compositions: readonly Unfinished[]): void {
    this.queue.add(compositions);
    this.wake();
  }

  status(): SenderStatus {
    const tries = Object.values(this.tries).map(({ pendingFor }) => pendingFor);
    return {
      pending: this.queue.size,
      lastError: this.lastError,
      notSentFor: Math.max(...tries),
    };
  }

  /** Ends when the batch in flight has finished and its outcomes are recorded. */
  async stop(): Promise<void> {
    this.stopping = true;
    this.wake();
    await this.running;
  }

  /** Ends at once. */
  drop(): void {
    this.stopping = true;
    this.dropped.abort();
    this.wake();
  }

  private isDropped(): boolean {
    return this.dropped.signal.aborted;
  }

  private isStopping(): boolean {
    return this.stopping;
  }

  private async run(): Promise<void> {
    while (!this.isStopping()) {
      // Created before loading, so that the sender does not sleep over compositions that are added
      // meanwhile.
      const woken = new Promise<void>((resolve) => {
        this.wake = resolve;
      });
      await this.load();
      const now = this.ports.now();
      const due = now < this.pausedUntil ? [] : this.queue.due(now);
      if (due.length > 0) await this.sendPage(due.slice(0, PAGE));
      else await this.sleep(now, woken);
    }
  }

  private async load(): Promise<void> {
    for (let next = this.queue.next(); next !== null; next = this.queue.next()) {
      const composition = next;
      const pending = await this.persist('read submissions', () =>
        this.ports.store.pendingOf(composition),
      );
      this.queue.load(composition, pending);
      if (pending.length === 0) this.ports.finished(composition);
    }
  }

  /** Sleeps until something is due or is added, or the sender ends. */
  private async sleep(now: number, woken: Promise<void>): Promise<void> {
    const next = Math.max(this.pausedUntil, this.queue.nextDue);
    const timer = Number.isFinite(next) ? setTimeout(this.wake, next - now) : undefined;
    await woken;
    clearTimeout(timer);
  }

  private async sendPage(page: readonly Item[]): Promise<void> {
    const outcomes = new Map<Item, Outcome>();
    const doubtful = new Map<Item, Doubtful>();
    const size = this.puzzles < PUZZLED_BEFORE_SINGLES ? MAX_BATCH : 1;
    for (let from = 0; from < page.length && !this.isStopping(); from += size) {
      if (!(await this.sendBatch(page.slice(from, from + size), outcomes, doubtful))) break;
    }
    if (doubtful.size === 0) this.tries.lookUp.succeeded();
    else if (!this.isStopping()) await this.lookUp(doubtful, outcomes);
    if (outcomes.size > 0) await this.record(outcomes);
  }

  /** Returns false if the rest of the page has to wait. */
  private async sendBatch(
    batch: readonly Item[],
    outcomes: Map<Item, Outcome>,
    doubtful: Map<Item, Doubtful>,
  ): Promise<boolean> {
    const { commerce } = this.ports;
    const pending = batch.map((item) => item.pending);
    this.tries.send.begun();
    const answer = await commerce.submit(pending, this.dropped.signal);
    if (answer.kind === 'failed') return this.fail(answer, 'send', batch);
    if (answer.kind === 'refused' && batch.length > 1) {
      return this.sendSingly(batch, outcomes, doubtful);
    }
    this.tries.send.succeeded();
    this.failures.send = 0;
    this.puzzles = 0;
    this.lastError = null;
    if (answer.kind === 'refused') {
      for (const item of batch) {
        outcomes.set(item, deadLetter(item.pending, 'BadRequest', answer.message));
      }
      return true;
    }
    for (const [index, item] of batch.entries()) {
      const said = answer.items[index];
      const settled = said && this.settle(item, said, answer.date);
      if (!settled) continue;
      if (settled.kind === 'doubtful') doubtful.set(item, settled);
      else outcomes.set(item, settled);
    }
    return true;
  }

  private async sendSingly(
    batch: readonly Item[],
    outcomes: Map<Item, Outcome>,
    doubtful: Map<Item, Doubtful>,
  ): Promise<boolean> {
    for (const item of batch) {
      if (this.isStopping() || !(await this.sendBatch([item], outcomes, doubtful))) return false;
    }
    return true;
  }

  /** The outcome of a submission, if Commerce's answer decides it; null if it must be sent again. */
  private settle(item: Item, said: ItemAnswer, date: Millis | null): Outcome | Doubtful | null {
    const { pending } = item;
    switch (said.kind) {
      case 'accepted':
        return heldOutcome(pending, 'accepted', said.quantity, said.usageEventId);
      case 'duplicate':
        return said.quantity === null
          ? { kind: 'doubtful', pending, said: 'duplicate', message: '' }
          : heldOutcome(pending, 'duplicate', said.quantity, said.usageEventId);
      case 'expired':
        return date !== null && date < pending.hour
          ? this.defer(item, "Commerce's clock is before the hour of the usage")
          : { kind: 'doubtful', pending, said: 'expired', message: said.message };
      case 'try-again':
        return this.defer(item, `Commerce could not accept it: ${said.message}`);
      case 'rejected':
        return deadLetter(pending, said.code, said.message);
    }
  }

  private async lookUp(
    doubtful: ReadonlyMap<Item, Doubtful>,
    outcomes: Map<Item, Outcome>,
  ): Promise<void> {
    const items = [...doubtful.keys()];
    const { commerce, outbox, cannotCarry } = this.ports;
    this.tries.lookUp.begun();
    const settled = await settleByLookingUp(
      [...doubtful.values()],
      { commerce, outbox, cannotCarry, persist: (what, step) => this.persist(what, step) },
      this.dropped.signal,
    );
    if (!settled.ok) {
      this.fail(settled.error, 'lookUp', items);
      return;
    }
    this.failures.lookUp = 0;
    this.tries.lookUp.succeeded();
    for (const [index, item] of items.entries()) {
      const each = settled.value[index];
      if (each?.kind === 'deferred') this.defer(item, each.reason);
      else if (each) outcomes.set(item, each);
    }
  }

  /** Sends this submission again after a delay. Others go first. */
  private defer(item: Item, reason: string): null {
    item.attempts++;
    item.due = this.ports.now() + this.delay(item.attempts);
    this.lastError = reason;
    this.ports.logger.warn(
      { ...logFields(item.pending), attempt: item.attempts },
      `${reason}; trying again`,
    );
    return null;
  }

  private fail(
    { reason, retryAfter, nature }: Failure,
    of: keyof Sender['failures'],
    batch: readonly Item[],
  ): false {
    if (this.isDropped()) return false; // we aborted the request ourselves
    const attempt = ++this.failures[of];
    this.puzzles = nature === 'puzzled' ? this.puzzles + 1 : 0;
    const wait =
      retryAfter ?? (nature === 'settings' ? this.options.retryMillis : this.delay(attempt));
    this.pausedUntil = this.ports.now() + wait;
    this.lastError = reason;
    const level = nature === 'settings' ? 'error' : 'warn';
    this.ports.logger[level]({ attempt, wait }, `${reason}; trying again`);
    if (nature === 'puzzled' && batch.length === 1) {
      for (const item of batch) this.defer(item, reason);
    }
    return false;
  }

  private delay(attempts: number): number {
    const { retryMillis } = this.options;
    const full = Math.min(retryMillis, FIRST_DELAY * 2 ** (attempts - 1));
    return Math.ceil(full * (0.5 + Math.random() / 2));
  }

  private async record(outcomes: ReadonlyMap<Item, Outcome>): Promise<void> {
    const { store, finished, logger } = this.ports;
    await this.persist('record outcomes', () => store.writeOutcomes([...outcomes.values()]));
    for (const outcome of outcomes.values()) this.tell(outcome);
    for (const composition of this.queue.remove(outcomes)) finished(composition);
    const counts: Record<string, number> = {};
    for (const { kind } of outcomes.values()) counts[kind] = (counts[kind] ?? 0) + 1;
    logger.info(counts, 'sent');
  }

  private tell({ pending, kind, code, message }: Outcome): void {
    const { logger } = this.ports;
    const fields = logFields(pending);
    if (kind === 'mismatch') logger.error(fields, `billing is wrong: ${message}`);
    if (kind === 'dead-lettered') {
      logger.error({ ...fields, code }, `Commerce refuses this usage: ${message}`);
    }
    if (kind === 'carried') {
      logger.warn(fields, 'Commerce no longer accepts this usage: it goes into a later hour');
    }
  }

  private persist<T>(what: string, step: () => Promise<T>): Promise<T> {
    return this.tries.store.run(() => this.ports.persist(what, step, this.dropped.signal));
  }
}

const logFields = ({ hour, submission }: Pending): Readonly<Record<string, unknown>> => ({
  submission: submission.submissionId,
  hour: isoText(hour),
  resource: submission.resourceUri,
  dimension: submission.dimension,
});
