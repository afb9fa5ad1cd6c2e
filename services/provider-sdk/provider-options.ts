import type { KafkaSecurityConfig } from '../shared/kafka/security-config.ts';
import type { Logger } from 'pino';

export interface ProviderOptions {
  /** The settings of the pipeline's services will do: `host:port` of one broker or several. */
  readonly kafka: KafkaSecurityConfig & { readonly KAFKA_BROKERS: readonly string[] };
  /** The topic of this provider: `usage.events.<name>`. */
  readonly topic: string;
  /** The length of an hour of the source, in milliseconds: a UTC hour by default. */
  readonly hourMillis?: number | undefined;
  /** What usage may take in memory until the broker has it: 32 MiB by default. */
  readonly maxBufferedBytes?: number | undefined;
  /** How long the broker may be away before `emit` fails: two minutes by default. */
  readonly giveUpMillis?: number | undefined;
  /** How long `close` waits for the broker: five seconds by default. */
  readonly closeMillis?: number | undefined;
  /**
   * Usage goes to this directory first, and from there to the broker: `emit` resolves when it is safe on disk, also
   * while the broker is away. It takes `maxBytes` of the disk at most. One process uses a directory at a time.
   */
  readonly spool?: { readonly directory: string; readonly maxBytes: number } | undefined;
  /** By default nothing is logged. */
  readonly logger?: Logger | undefined;
}
