import type { ClickHouseClient } from '@clickhouse/client';
import type { KafkaAdmin } from '../../shared/kafka/admin.ts';
import type { Keyring } from '../../shared/model/control-record.ts';
import type { HourPart } from '../../shared/model/usage-aggregate.ts';
import type { LogReader } from '../../shared/kafka/log-reader.ts';

/** The tools for finding lost records. */
export interface LossTools {
  readonly clickHouse: ClickHouseClient;
  readonly admin: KafkaAdmin;
  /** Reads the existing topics of sources, and the aggregates topic. */
  readonly reader: LogReader;
  readonly aggregatesTopic: string;
  /** The keys that verify what was published. */
  readonly keyring: Keyring;
  readonly decode: (bytes: Buffer) => HourPart | null;
}
