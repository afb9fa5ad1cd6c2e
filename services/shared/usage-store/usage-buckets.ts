import { TupleParam } from '@clickhouse/client';
import type { SourceId } from '../model/source.ts';
import { textTuple } from './tables.ts';

/** A table of windows, by the names that differ between hours and days. */
export interface UsageBucket {
  readonly table: string;
  readonly reported: string;
  readonly usage: string;
  readonly usageEnd: string;
  /** Hours of reported time in one row. */
  readonly hours: number;
}

export const USAGE_BUCKETS: Readonly<Record<'hourly' | 'daily', UsageBucket>> = {
  hourly: {
    table: 'usage_hourly',
    reported: 'reported_hour',
    usage: 'usage_hour',
    usageEnd: 'usage_hour_end',
    hours: 1,
  },
  daily: {
    table: 'usage_daily',
    reported: 'reported_day',
    usage: 'usage_day',
    usageEnd: 'usage_day_end',
    hours: 24,
  },
};

/** The texts of the earliest event of windows `u` that are added up. */
export const firstTexts = ({ reported }: Pick<UsageBucket, 'reported'>): string =>
  `argMin(${textTuple('u.')}, (u.${reported}, u.topic, u.epoch, u.partition, u.first_offset))`;

/** The condition for rows of some sources; `sourcesParam` gives its value. */
export const OF_SOURCES = '(topic, epoch) IN {sources:Array(Tuple(String, UInt32))}';

export const sourcesParam = (sources: readonly SourceId[]): readonly TupleParam[] =>
  sources.map(({ topic, epoch }) => new TupleParam([topic, epoch]));
