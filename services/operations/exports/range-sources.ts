import type { ClickHouseClient } from '@clickhouse/client';
import { queryRows } from '../../shared/clickhouse/client.ts';
import { UserError } from '../../shared/process/errors.ts';
import { sourceName, type SourceId } from '../../shared/model/source.ts';
import { isoText, type Millis } from '../../shared/model/time.ts';
import {
  countedSources,
  firstProcessing,
  stateSpans,
  type Coverage,
} from '../../shared/sources/coverage.ts';
import type { RestatedHour } from './export-state.ts';
import type { HourSpan } from './hour-spans.ts';

/** What answers for a complete range of reported time, by the rules of the usage API. */
export interface CompleteRange extends HourSpan {
  readonly sources: readonly SourceId[];
  /** Parts of it for which no source answers: nothing is known about them. */
  readonly notCovered: readonly HourSpan[];
}

/** @throws UserError if a part of the range is still being processed */
export const completeRange = (coverage: Coverage, from: Millis, to: Millis): CompleteRange => {
  const processing = firstProcessing(coverage, from, to);
  if (processing !== null) {
    throw new UserError(
      `The reported hour from ${isoText(processing)} is still being processed: end the range there, or try again later`,
    );
  }
  const notCovered = stateSpans(coverage, from, to).filter(({ state }) => state === 'not-covered');
  return { from, to, sources: countedSources(coverage, from, to), notCovered };
};

/**
 * Every hour that was restated after it had closed, by the sources that answer for it. Each source counts generations of its own, so
 * they are added up: the sum grows with each restatement.
 */
export const readRestatedHours = async (
  client: ClickHouseClient,
  coverage: Coverage,
  hourMillis: number,
): Promise<readonly RestatedHour[]> => {
  const rows = await queryRows<SourceId & { hour: number; generation: number }>(
    client,
    `SELECT topic, epoch, toUnixTimestamp(r.reported_hour) AS hour, max(r.generation) AS generation
     FROM restatements AS r WHERE r.windows > 0 GROUP BY topic, epoch, hour ORDER BY hour`,
  );
  const sums = new Map<number, number>();
  for (const { hour, generation, ...source } of rows) {
    const from = (hour * 1000) as Millis;
    const to = (from + hourMillis) as Millis;
    const counted = new Set(countedSources(coverage, from, to).map(sourceName));
    if (counted.has(sourceName(source))) {
      sums.set(from, (sums.get(from) ?? 0) + generation);
    }
  }
  return [...sums].map(([hour, generation]) => ({ hour, generation }));
};
