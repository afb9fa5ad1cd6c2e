import { setTimeout as sleep } from 'node:timers/promises';
import type { Logger } from 'pino';
import { openIdempotentWriter } from '../shared/kafka/idempotent-writer.ts';
import type { SequencedWriter } from '../shared/kafka/sequenced-writer.ts';
import { clientOf, countPartitions, reach, UnknownTopic, type Destination } from './connect.ts';
import { Pending } from './pending.ts';
import { Room } from './room.ts';
import type { EncodedEvent, Route, RouteStatus } from './route.ts';
import { SpoolDrainer } from './spool-drainer.ts';
import { openSpool, type Spool } from './spool/spool.ts';

export interface SpoolRouteOptions extends Destination {
  readonly spool: { readonly directory: string; readonly maxBytes: number };
  readonly maxBufferedBytes: number;
  readonly maxBatchBytes: number;
  readonly closeMillis: number;
}

/** How long the start waits for a broker, which may say that there is no such topic. */
const REACH_MILLIS = 5_000;

/**
 * Opens the way over the disk. The broker may be away: usage then waits in the spool.
 * @throws UserError if the spool cannot be used, or a broker answers at once that there is no such topic
 */
export const openSpoolRoute = async (
  options: SpoolRouteOptions,
  logger: Logger,
): Promise<Route> => {
  const spool = await openSpool({ ...options.spool, logger });
  const client = clientOf(options, logger);
  const partitions = new PartitionCount(() => countPartitions(client, options));
  const writer = openIdempotentWriter(client, logger);
  try {
    const reached = reach(client, options).then(
      () => true,
      () => false,
    );
    const isThere = await Promise.race([reached, sleep(REACH_MILLIS, false, { ref: false })]);
    if (isThere) {
      await partitions.refuseUnknownTopic();
      writer.connect().catch(() => undefined); // who sends tries again, and says why it fails
    }
  } catch (error) {
    await spool.close();
    throw error;
  }
  return new SpoolRoute(options, spool, partitions, writer, logger);
};

/** Asks a broker until one answers, and then knows it. */
class PartitionCount {
  private readonly ask: () => Promise<number>;
  private asking: Promise<number> | null = null;
  known: number | null = null;

  constructor(ask: () => Promise<number>) {
    this.ask = ask;
  }

  /** @throws while no broker answers */
  get(): Promise<number> {
    this.asking ??= this.ask().then(
      (count) => (this.known = count),
      (error: unknown) => {
        this.asking = null;
        throw error;
      },
    );
    return this.asking;
  }

  /** Any other trouble with the broker passes. @throws UnknownTopic */
  async refuseUnknownTopic(): Promise<void> {
    try {
      await this.get();
    } catch (error) {
      if (error instanceof UnknownTopic) throw error;
    }
  }
}

class SpoolRoute implements Route {
  private readonly options: SpoolRouteOptions;
  private readonly spool: Spool;
  private readonly partitions: PartitionCount;
  private readonly writer: SequencedWriter;
  private readonly drainer: SpoolDrainer;
  private readonly room: Room;
  private readonly delivering = new Pending();
  private bufferedEvents = 0;

  constructor(
    options: SpoolRouteOptions,
    spool: Spool,
    partitions: PartitionCount,
    writer: SequencedWriter,
    logger: Logger,
  ) {
    this.options = options;
    this.spool = spool;
    this.partitions = partitions;
    this.writer = writer;
    const { topic, maxBufferedBytes, maxBatchBytes } = options;
    this.room = new Room(maxBufferedBytes);
    this.drainer = new SpoolDrainer({
      spool,
      partitions: () => partitions.get(),
      append: (partition, records, giveUp) => writer.append({ topic, partition }, records, giveUp),
      maxBatchBytes,
      logger,
    });
  }

  deliver(events: readonly EncodedEvent[]): Promise<void> {
    return this.delivering.add(this.store(events));
  }

  private async store(events: readonly EncodedEvent[]): Promise<void> {
    const bytes = events.reduce((sum, { key, value }) => sum + key.length + value.length, 0);
    await this.room.hold(bytes, async () => {
      this.bufferedEvents += events.length;
      try {
        await this.spool.append(events);
      } finally {
        this.bufferedEvents -= events.length;
      }
    });
    this.drainer.wake();
  }

  async flush(): Promise<void> {
    await this.drained();
  }

  /** What `emit` is still writing to the disk counts, too. Who called it is told if that fails. */
  private async drained(): Promise<void> {
    await this.delivering.settled().catch(() => undefined);
    await this.drainer.drained();
  }

  async close(): Promise<void> {
    const patience = new AbortController();
    const { signal } = patience;
    // What waits longer is sent by the next process that opens the spool.
    await Promise.race([
      this.drained(),
      sleep(this.options.closeMillis, null, { signal }).catch(() => undefined),
    ]);
    patience.abort();
    await this.drainer.stop();
    await this.writer.close();
    await this.spool.close();
  }

  status(): RouteStatus {
    return {
      partitions: this.partitions.known,
      sentEvents: this.drainer.sentRecords,
      bufferedEvents: this.bufferedEvents,
      bufferedBytes: this.room.heldBytes,
      waitingCalls: this.room.waitingCalls,
      problem: this.writer.problem ?? this.drainer.problem,
      spool: this.spool.status(),
    };
  }
}
