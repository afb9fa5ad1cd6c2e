import type { ClickHouseClient } from '@clickhouse/client';
import type { Admin } from 'kafkajs';
import type { Keyring } from '../../shared/control-record.ts';
import type { UsageAggregate } from '../../shared/usage-aggregate.ts';
import type { LogReader } from '../audit/log-reader.ts';

/** What looking for lost records takes. */
export interface LossTools {
  readonly clickHouse: ClickHouseClient;
  readonly admin: Admin;
  /** Reads the topics of the sources that exist, and the aggregates topic. */
  readonly reader: LogReader;
  readonly aggregatesTopic: string;
  /** With which what was published is verified. */
  readonly keyring: Keyring;
  readonly decode: (bytes: Buffer) => UsageAggregate | null;
}
