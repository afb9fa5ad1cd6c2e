import { Attempt } from '../shared/process/attempt.ts';
import { backoff } from './commerce/circuit.ts';
import type { BatchAnswer, Call } from './commerce/commerce-client.ts';
import type { Failure } from './commerce/failure.ts';
import type { Pass } from './commerce/gate.ts';
import type { RequestNote } from './commerce/made-request.ts';
import { MAX_BATCH } from './commerce/usage-message.ts';
import { decide, saidOf } from './decide.ts';
import { DoubtfulSubmissions } from './doubtful-submissions.ts';
import { Gatherer } from './gatherer.ts';
import type { Outcome } from '../shared/billing/outcome.ts';
import type { Unfinished } from './ports.ts';
import type { SenderOptions, SenderPorts, SenderStatus } from './sender-ports.ts';
import { SubmissionQueue, type Item } from './submission-queue.ts';
import { countsOf, logFields, tellOutcome } from './tell-outcome.ts';

/** After so many tries of a batch that may have failed because of what is in it, it is split. */
const TRIES_BEFORE_SPLIT = 3;
/** Requests that are recorded together at most, with the outcomes that they brought. */
const RECORD_PAGE = 200;
const RECORD_MILLIS = 500;

/** What is to be recorded of a batch, or of a look-up. */
interface Result {
  readonly requests: readonly RequestNote[];
  readonly outcomes: ReadonlyMap<Item, Outcome>;
}

/**
 * Sends the submissions of stored compositions to Commerce until each has a final outcome: several batches at once,
 * the oldest hours first. It may run in several processes at once, and may be killed at any moment: submissions
 * never change, and for each resource, dimension and hour Commerce keeps the one that it accepted first. What is done
 * about each answer is in `commerce/handling.ts`; what an outcome follows from, here:
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
 * | Error, or an unknown status           | none yet: sent again later, others go first            |
 * | a refusal                             | dead-lettered                                          |
 * | 400 to the batch                      | none yet: sent in halves; to one alone: dead-lettered, |
 * |                                       | or as Expired where it is the time that is refused     |
 * | anything else, or nothing             | none yet: sent again, later and later                  |
 */
export class Sender {
  private readonly ports: SenderPorts;
  private readonly options: SenderOptions;
  /** Aborted when no more is to be sent. */
  private readonly stopped = new AbortController();
  private readonly dropped = new AbortController();
  private readonly queue = new SubmissionQueue();
  private readonly doubtful: DoubtfulSubmissions;
  /** Those whose look-up has not succeeded yet. */
  private readonly unresolved = new Set<Item>();
  private readonly inFlight = new Set<Promise<void>>();
  private readonly records: Gatherer<Result>;
  private readonly tries: Readonly<Record<'send' | 'lookUp' | 'store', Attempt>>;
  private isLoading = false;
  private isLookingUp = false;
  private lastError: string | null = null;
  private wake: () => void = () => undefined;
  private onCrash: (error: Error) => void = () => undefined;
  private running: Promise<void> = Promise.resolve();

  constructor(ports: SenderPorts, options: SenderOptions) {
    this.ports = ports;
    this.options = options;
    const attempt = (): Attempt => new Attempt(ports.now);
    this.tries = { send: attempt(), lookUp: attempt(), store: attempt() };
    this.doubtful = new DoubtfulSubmissions(
      { ...ports, persist: (what, step) => this.persist(what, step) },
      options.clockSkewMillis,
    );
    this.records = new Gatherer(
      (results) => this.record(results),
      { most: RECORD_PAGE, longest: RECORD_MILLIS },
      (error) => this.crash(error),
    );
  }

  /** @param onCrash called when a defect has ended the sender */
  start(onCrash: (error: Error) => void): void {
    this.onCrash = onCrash;
    this.running = this.run().catch((error: unknown) => this.crash(error));
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

  /** Ends when the batches in flight have finished and their outcomes are recorded. */
  async stop(): Promise<void> {
    this.stopped.abort();
    this.wake();
    await this.running;
  }

  /** Ends at once: what is in flight is given up. */
  drop(): void {
    this.stopped.abort();
    this.dropped.abort();
    this.records.drop();
    this.wake();
  }

  private isDropped(): boolean {
    return this.dropped.signal.aborted;
  }

  private isStopping(): boolean {
    return this.stopped.signal.aborted;
  }

  private crash(error: unknown): void {
    if (this.isDropped()) return; // what was given up has failed
    this.drop();
    this.onCrash(error as Error);
  }

  private async run(): Promise<void> {
    while (!this.isStopping()) {
      // Created before looking, so that the sender does not sleep over what is added meanwhile.
      const woken = new Promise<void>((resolve) => {
        this.wake = resolve;
      });
      this.load();
      const now = this.ports.now();
      const due = this.queue.due(now);
      // A batch is filled up by the composition that is being read.
      const isDue = due >= MAX_BATCH || (due > 0 && !this.isLoading);
      // An answer may be large, and tells of all of them: so they are looked up together.
      const isIdle = due === 0 && this.inFlight.size === 0;
      if (this.doubtful.isFull(now) || (isIdle && this.doubtful.nextDue <= now)) this.lookUp(now);
      if (isDue) {
        await this.sendNext();
      } else {
        if (this.inFlight.size === 0) this.records.flush();
        await this.sleep(woken);
      }
    }
    await Promise.all(this.inFlight);
    if (!this.isDropped()) await this.records.drain();
  }

  /** Runs beside everything else. */
  private track(task: Promise<void>): void {
    const tracked = task
      .catch((error: unknown) => this.crash(error))
      .finally(() => {
        this.inFlight.delete(tracked);
        this.wake();
      });
    this.inFlight.add(tracked);
  }

  private load(): void {
    const composition = this.isLoading ? null : this.queue.next();
    if (composition === null) return;
    this.isLoading = true;
    const read = async (): Promise<void> => {
      const pending = await this.persist('read submissions', () =>
        this.ports.store.pendingOf(composition),
      );
      this.queue.load(composition, pending);
      this.isLoading = false;
      if (pending.length === 0) this.ports.finished(composition);
    };
    this.track(read());
  }

  /** Sleeps until something is due, is added or has ended, or the sender ends. */
  private async sleep(woken: Promise<void>): Promise<void> {
    // A look-up waits until nothing is in flight, which wakes the sender.
    const nextDue = Math.min(
      this.queue.nextDue,
      this.inFlight.size === 0 ? this.doubtful.nextDue : Infinity,
    );
    const timer = Number.isFinite(nextDue)
      ? setTimeout(this.wake, nextDue - this.ports.now())
      : undefined;
    await woken;
    clearTimeout(timer);
  }

  private async sendNext(): Promise<void> {
    const { gate, now } = this.ports;
    const hour = this.queue.firstHour();
    if (hour === null) return;
    if (gate.isTroubled('submit')) this.tries.send.begun();
    const pass = await gate.enter('submit', hour, this.stopped.signal);
    if (pass === null) return;
    if (this.isStopping()) {
      pass.left();
      return;
    }
    const batch = this.queue.take(now());
    this.track(this.sendBatch(batch, pass));
  }

  private async sendBatch(batch: readonly Item[], pass: Pass): Promise<void> {
    this.tries.send.begun();
    const requests: RequestNote[] = [];
    const answer = await this.ports.commerce.submit(
      batch.map((item) => item.pending),
      this.callNoting(requests),
    );
    if (this.isDropped()) {
      pass.left(); // we gave the request up ourselves
      return;
    }
    if (answer.kind === 'failed') {
      this.failed(answer, batch, pass);
      this.records.add({ requests, outcomes: new Map() });
      return;
    }
    pass.succeeded();
    this.tries.send.succeeded();
    this.lastError = null;
    this.records.add({ requests, outcomes: this.settle(batch, answer) });
  }

  /** The outcomes that an answer decides. The others are sent again, or looked up. */
  private settle(
    batch: readonly Item[],
    answer: Exclude<BatchAnswer, Failure>,
  ): ReadonlyMap<Item, Outcome> {
    if (answer.kind === 'refused' && batch.length > 1) {
      this.putBackInHalves(batch);
      return new Map();
    }
    const outcomes = new Map<Item, Outcome>();
    const now = this.ports.now();
    for (const [index, item] of batch.entries()) {
      item.company = MAX_BATCH;
      const said = saidOf(answer, index);
      const decision = said && decide(item.pending, said, answer.date);
      if (decision?.kind === 'settled') outcomes.set(item, decision.outcome);
      else if (decision?.kind === 'deferred') this.defer(item, decision.reason);
      else if (decision) {
        this.doubtful.add(item, decision, now);
        this.unresolved.add(item);
      }
    }
    return outcomes;
  }

  private putBackInHalves(batch: readonly Item[]): void {
    for (const item of batch) item.company = Math.ceil(batch.length / 2);
    this.queue.putBack(batch);
  }

  private failed(failure: Failure, batch: readonly Item[], pass: Pass): void {
    const pause = pass.failed(failure);
    this.tellFailure(failure, pause);
    if (failure.handling !== 'retry') {
      this.queue.putBack(batch);
      return;
    }
    // Perhaps it is because of something in the batch, so the others need not wait.
    const attempts = Math.max(...batch.map((item) => item.attempts)) + 1;
    const due = this.ports.now() + backoff(attempts, this.options.retryMillis);
    for (const item of batch) {
      item.attempts = attempts;
      item.due = due;
      if (attempts >= TRIES_BEFORE_SPLIT) item.company = Math.ceil(batch.length / 2);
      this.queue.defer(item);
    }
  }

  private tellFailure({ reason, handling }: Failure, pause: number | null): void {
    this.lastError = reason;
    const level = handling === 'ask-a-person' ? 'error' : 'warn';
    this.ports.logger[level](
      { ...(pause !== null && { wait: pause }), handling },
      `${reason}; trying again`,
    );
  }

  private lookUp(now: number): void {
    if (this.isLookingUp) return;
    this.isLookingUp = true;
    this.track(
      this.settleDoubtful(now).finally(() => {
        this.isLookingUp = false;
      }),
    );
  }

  private async settleDoubtful(now: number): Promise<void> {
    this.tries.lookUp.begun();
    const requests: RequestNote[] = [];
    const found = await this.doubtful.next(now, this.callNoting(requests), this.stopped.signal);
    if (found === null) return;
    if (found.kind === 'failed') {
      this.tellFailure(found.failure, found.pause);
      for (const item of found.items) this.putOff(item);
      this.records.add({ requests, outcomes: new Map() });
      return;
    }
    this.tries.lookUp.succeeded();
    const outcomes = new Map<Item, Outcome>();
    for (const [item, each] of found.settled) {
      if (each.kind === 'deferred') this.defer(item, each.reason);
      else outcomes.set(item, each);
    }
    this.records.add({ requests, outcomes });
  }

  private callNoting(requests: RequestNote[]): Call {
    return { signal: this.dropped.signal, note: (request) => requests.push(request) };
  }

  /** Sends this submission again after a delay. Others go first. */
  private defer(item: Item, reason: string): void {
    this.putOff(item);
    this.lastError = reason;
    this.ports.logger.warn(
      { ...logFields(item.pending), attempt: item.attempts },
      `${reason}; trying again`,
    );
  }

  private putOff(item: Item): void {
    item.attempts++;
    item.due = this.ports.now() + backoff(item.attempts, this.options.retryMillis);
    this.queue.defer(item);
  }

  private async record(results: readonly Result[]): Promise<void> {
    const { store, partition, finished, logger } = this.ports;
    const requests = results.flatMap((result) => result.requests);
    const settled = new Map(results.flatMap(({ outcomes }) => [...outcomes]));
    const outcomes = [...settled.values()];
    if (requests.length > 0) {
      await this.persist('record requests', () => store.writeRequests(partition, requests));
    }
    if (outcomes.length === 0) return;
    await this.persist('record outcomes', () => store.writeOutcomes(outcomes));
    for (const item of settled.keys()) this.unresolved.delete(item);
    if (this.unresolved.size === 0) this.tries.lookUp.succeeded();
    for (const outcome of outcomes) tellOutcome(logger, outcome);
    for (const composition of this.queue.settle([...settled.keys()])) finished(composition);
    logger.info(countsOf(outcomes), 'sent');
    this.wake();
  }

  private persist<T>(what: string, step: () => Promise<T>): Promise<T> {
    return this.tries.store.run(() => this.ports.persist(what, step, this.dropped.signal));
  }
}
