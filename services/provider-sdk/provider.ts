import { pino } from 'pino';
import { readSchemaDirectory } from '../shared/avro/schema-directory.ts';
import { usageEventEncoder } from '../shared/avro/usage-event-codec.ts';
import { resourceKey } from '../shared/model/placement.ts';
import type { UsageEvent } from '../shared/model/usage-event.ts';
import { openDirectRoute } from './direct-route.ts';
import { eventsOfCall } from './events-of-call.ts';
import { ProviderClosed, UsageRefused } from './provider-errors.ts';
import type { ProviderOptions } from './provider-options.ts';
import { readOptions, type ReadOptions } from './read-options.ts';
import type { Route, RouteStatus } from './route.ts';
import { openSpoolRoute } from './spool-route.ts';
import type { Usage } from './usage.ts';

/** Reports usage: the way in for a resource provider. */
export interface UsageProvider {
  /**
   * Resolves when the broker has all of it; with a spool, when it is safe on disk. It waits while the buffer is
   * full.
   * @throws UsageRefused with all problems, and nothing of the call was sent
   * @throws DeliveryFailed if the broker did not take it in time: emit it again
   * @throws SpoolFull if the spool has no room: emit it again later
   */
  emit(usage: Usage | readonly Usage[]): Promise<void>;
  /**
   * Resolves when the broker has everything that was emitted before. With a spool it waits for the broker as long as
   * that takes.
   * @throws DeliveryFailed if it did not take something of it
   */
  flush(): Promise<void>;
  /**
   * Sends what waits, for a few seconds at most, and closes the connections. What is in a spool stays there.
   * @throws DeliveryFailed if the broker did not take something of it
   */
  close(): Promise<void>;
  status(): ProviderStatus;
}

export interface ProviderStatus extends RouteStatus {
  readonly topic: string;
}

// A broker takes batches of 1 MiB; half of that keeps retries cheap.
const MAX_BATCH_BYTES = 512 * 1024;

/**
 * Opens the way in for the usage of one resource provider.
 * @throws UserError if an option is wrong, no broker answers, or it does not know the topic. With a spool the broker may
 *   be away.
 */
export const openUsageProvider = async (options: ProviderOptions): Promise<UsageProvider> => {
  const { logger = pino({ level: 'silent' }), ...read } = readOptions(options);
  const given = { ...read, maxBatchBytes: MAX_BATCH_BYTES };
  const route = read.spool
    ? await openSpoolRoute({ ...given, spool: read.spool }, logger)
    : await openDirectRoute(given, logger);
  return new RoutedProvider(read, usageEventEncoder(readSchemaDirectory()), route);
};

class RoutedProvider implements UsageProvider {
  private readonly options: Pick<ReadOptions, 'topic' | 'hourMillis'>;
  private readonly encode: (event: UsageEvent) => Buffer;
  private readonly route: Route;
  private closed: Promise<void> | null = null;

  constructor(
    options: Pick<ReadOptions, 'topic' | 'hourMillis'>,
    encode: (event: UsageEvent) => Buffer,
    route: Route,
  ) {
    this.options = options;
    this.encode = encode;
    this.route = route;
  }

  async emit(usage: Usage | readonly Usage[]): Promise<void> {
    if (this.closed) throw new ProviderClosed();
    const usages = Array.isArray(usage) ? (usage as readonly Usage[]) : [usage as Usage];
    const events = eventsOfCall(usages, this.options.hourMillis);
    if (!events.ok) throw new UsageRefused(events.error);
    await this.route.deliver(
      events.value.map((event) => ({
        key: resourceKey(event.resourceUri),
        value: this.encode(event),
      })),
    );
  }

  async flush(): Promise<void> {
    await this.route.flush();
  }

  close(): Promise<void> {
    this.closed ??= this.route.close();
    return this.closed;
  }

  status(): ProviderStatus {
    return { topic: this.options.topic, ...this.route.status() };
  }
}
