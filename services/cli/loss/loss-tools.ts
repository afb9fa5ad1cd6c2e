import type { ClickHouseClient } from '@clickhouse/client';
import type { Admin } from 'kafkajs';
import type { LogReader } from '../audit/log-reader.ts';

/** What looking for lost records takes. */
export interface LossTools {
  readonly clickHouse: ClickHouseClient;
  readonly admin: Admin;
  /** Reads the topics of the sources that exist, and the aggregates topic. */
  readonly reader: LogReader;
  readonly aggregatesTopic: string;
}
