import type { ClickHouseClient } from '@clickhouse/client';
import type { KafkaAdmin } from '../../shared/kafka/admin.ts';
import type { Keyring } from '../../shared/model/control-record.ts';
import type { UsageAggregate } from '../../shared/model/usage-aggregate.ts';
import type { LogReader } from '../../shared/kafka/log-reader.ts';

/** What looking for lost records takes. */
export interface LossTools {
  readonly clickHouse: ClickHouseClient;
  readonly admin: KafkaAdmin;
  /** Reads the topics of the sources that exist, and the aggregates topic. */
  readonly reader: LogReader;
  readonly aggregatesTopic: string;
  /** With which what was published is verified. */
  readonly keyring: Keyring;
  readonly decode: (bytes: Buffer) => UsageAggregate | null;
}
