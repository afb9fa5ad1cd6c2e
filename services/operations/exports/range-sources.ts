import type { ClickHouseClient } from '@clickhouse/client';
import { UserError } from '../../shared/process/errors.ts';
import { sourceName, type SourceId } from '../../shared/model/source.ts';
import { isoText, millis, type Millis } from '../../shared/model/time.ts';
import {
  countedSources,
  firstProcessing,
  stateSpans,
  type Coverage,
} from '../../shared/sources/coverage.ts';
import {
  readRestatements,
  restatedHoursWhere,
  type RestatedHour,
} from '../../shared/sources/restated-hours.ts';
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

/** ClickHouse's DateTime ends here. */
const ALWAYS = { from: millis(0), to: millis((2 ** 32 - 1) * 1000) };

/** Every hour that was restated after it had closed, by the sources that answer for it. */
export const readRestatedHours = async (
  client: ClickHouseClient,
  coverage: Coverage,
  hourMillis: number,
): Promise<readonly RestatedHour[]> =>
  restatedHoursWhere(await readRestatements(client, ALWAYS), ({ hour, ...source }) =>
    countedSources(coverage, hour, millis(hour + hourMillis))
      .map(sourceName)
      .includes(sourceName(source)),
  );
