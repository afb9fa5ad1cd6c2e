import { setTimeout as sleepFor } from 'node:timers/promises';
import type { Logger } from 'pino';
import type { TopicPartition } from '../model/log-record.ts';
import { messageOf } from '../process/errors.ts';
import type { NewRecord } from './new-record.ts';

/** A producer to which the broker gave an id of its own. */
export interface IdentifiedProducer {
  /**
   * Appends a batch. The broker appends a batch with the same sequence once, however often it arrives.
   * @throws if it is not known to be in the log
   */
  send(at: TopicPartition, records: readonly NewRecord[], firstSequence: number): Promise<void>;
  close(): Promise<void>;
}

/** Why a failure to send is final, or what may be done about it. */
export type SendFailure = 'try-again' | 'new-producer' | 'refused';

export interface WriterParts {
  /** @throws while no broker answers */
  open(): Promise<IdentifiedProducer>;
  judge(error: unknown): SendFailure;
  readonly logger: Pick<Logger, 'info' | 'warn'>;
  readonly sleep?: (millis: number) => Promise<void>;
}

/** A batch is not known to be in the log: it may be there or not. */
export class NotAppended extends Error {
  override readonly name = 'NotAppended';
}

const FIRST_DELAY = 100;
const MAX_DELAY = 3_000;
/** From this many failures of a batch on, each one is a warning. */
const QUIET_FAILURES = 2;
/** Sequences are signed numbers of 32 bits; after the greatest comes zero. */
const SEQUENCES = 2 ** 31;

/** A producer, and how many records of each partition the broker has from it. */
interface Session {
  readonly producer: IdentifiedProducer;
  readonly next: Map<string, number>;
  /** Batches that are on their way. */
  uses: number;
  isRetired: boolean;
}

/**
 * Appends each batch once, although an acknowledgement may get lost, the broker restart, or a batch be given
 * up. A sequence names one batch for ever: it is sent again for that batch alone. If a batch is given up, or
 * the broker has lost count, the producer retires, and the next batches are counted anew by another one.
 * (kafkajs gives the number of a batch that failed to the next one. If the first had arrived, the broker
 * takes the next for it, and acknowledges what it has never stored.)
 */
export class SequencedWriter {
  private readonly parts: WriterParts;
  private current: Promise<Session> | null = null;
  private readonly closing: Promise<void>[] = [];
  private failure: string | null = null;

  constructor(parts: WriterParts) {
    this.parts = parts;
  }

  /** Why the last attempt failed; null after one that succeeded. */
  get problem(): string | null {
    return this.failure;
  }

  /**
   * Connects ahead of the first append, which would do it otherwise.
   * @throws while no broker answers
   */
  async connect(): Promise<void> {
    await this.session();
  }

  /**
   * Appends records as one batch, trying again until it is there or the signal says to give up. Calls for one
   * partition must not overlap.
   * @param records at least one, small enough for one batch
   * @throws NotAppended if it was given up, or the broker refuses it for good
   */
  async append(
    at: TopicPartition,
    records: readonly NewRecord[],
    giveUp: AbortSignal,
  ): Promise<void> {
    let session: Session | null = null;
    let reason: unknown = null;
    try {
      for (let failures = 1; ; failures++) {
        try {
          session ??= await this.take(giveUp);
          await this.sendOnce(session, at, records, giveUp);
          this.failure = null;
          return;
        } catch (error) {
          if (!giveUp.aborted || reason === null) reason = error;
          this.failure = messageOf(reason);
          const verdict = giveUp.aborted ? 'refused' : this.parts.judge(error);
          if (session && verdict !== 'try-again') {
            this.retire(session);
            this.release(session);
            session = null;
          }
          if (verdict === 'refused') throw new NotAppended(messageOf(reason), { cause: reason });
          await this.pause(at, failures, error, giveUp);
        }
      }
    } finally {
      if (session) this.release(session);
    }
  }

  /** Returns when all producers are closed. No append may be running. */
  async close(): Promise<void> {
    const session = await this.current?.catch(() => null);
    if (session) this.retire(session);
    await Promise.all(this.closing);
  }

  private async sendOnce(
    session: Session,
    { topic, partition }: TopicPartition,
    records: readonly NewRecord[],
    giveUp: AbortSignal,
  ): Promise<void> {
    const name = `${topic} ${String(partition)}`;
    const sequence = session.next.get(name) ?? 0;
    session.uses++; // also of a batch that was given up: it may still be on its way
    const sent = session.producer
      .send({ topic, partition }, records, sequence)
      .finally(() => this.release(session));
    await orAborted(sent, giveUp);
    session.next.set(name, (sequence + records.length) % SEQUENCES);
  }

  private session(): Promise<Session> {
    this.current ??= this.parts.open().then(
      (producer) => ({ producer, next: new Map<string, number>(), uses: 0, isRetired: false }),
      (error: unknown) => {
        this.current = null;
        throw error;
      },
    );
    return this.current;
  }

  private async take(giveUp: AbortSignal): Promise<Session> {
    const session = await orAborted(this.session(), giveUp);
    if (session.isRetired) return this.take(giveUp);
    session.uses++;
    return session;
  }

  private retire(session: Session): void {
    if (session.isRetired) return;
    session.isRetired = true;
    this.current = null;
    this.closeUnused(session);
  }

  private release(session: Session): void {
    session.uses--;
    this.closeUnused(session);
  }

  /** kafkajs connects again for what it still has to send, so nothing may be on its way any more. */
  private closeUnused(session: Session): void {
    if (!session.isRetired || session.uses > 0) return;
    const closed = session.producer.close().catch((error: unknown) => {
      this.parts.logger.warn({ reason: messageOf(error) }, 'could not close a producer');
    });
    this.closing.push(closed);
  }

  private async pause(
    at: TopicPartition,
    failures: number,
    error: unknown,
    giveUp: AbortSignal,
  ): Promise<void> {
    const level = failures <= QUIET_FAILURES ? 'info' : 'warn';
    this.parts.logger[level](
      { ...at, attempt: failures, reason: messageOf(error) },
      'could not write usage; trying again',
    );
    const { sleep = (millis: number) => sleepFor(millis) } = this.parts;
    await orAborted(sleep(Math.min(MAX_DELAY, FIRST_DELAY * 2 ** (failures - 1))), giveUp).catch(
      () => undefined, // the next round notices
    );
  }
}

/** What comes first: the value, or the signal. */
const orAborted = <T>(promise: Promise<T>, signal: AbortSignal): Promise<T> =>
  new Promise((resolve, reject) => {
    const abort = (): void => {
      reject(new Error('it took too long'));
    };
    if (signal.aborted) abort();
    signal.addEventListener('abort', abort, { once: true });
    promise.then(resolve, reject).finally(() => {
      signal.removeEventListener('abort', abort);
    });
  });
