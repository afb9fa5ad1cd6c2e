/** `host:port`; a host may be an IPv6 address in brackets. */
export const BROKER_ADDRESS = /^[^\s:/]+:\d{1,5}$|^\[[\da-fA-F:]+\]:\d{1,5}$/;

/** The ways to log in to a broker, as Kafka's own settings write them. */
export const KAFKA_MECHANISMS = ['PLAIN', 'SCRAM-SHA-256', 'SCRAM-SHA-512'] as const;

/**
 * How to reach brokers that want TLS or a login: see docs/own-servers.md. It stands alone because the types of the
 * provider SDK, which others compile with, name it.
 */
export interface KafkaSecurityConfig {
  readonly KAFKA_TLS?: 'on' | 'off' | undefined;
  readonly KAFKA_CA_FILE?: string | undefined;
  readonly KAFKA_SASL_MECHANISM?: (typeof KAFKA_MECHANISMS)[number] | undefined;
  readonly KAFKA_USERNAME?: string | undefined;
  readonly KAFKA_PASSWORD?: string | undefined;
}
