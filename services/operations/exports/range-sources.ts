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
  ALL_TIME,
  readRestatements,
  restatedHoursWhere,
  type RestatedHour,
  type Restatement,
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

/** What was restated in a range after it had closed, by the sources that answer for it. */
export interface Restated {
  readonly hours: readonly RestatedHour[];
  /** Those of which not all rows are written yet. */
  readonly unwritten: readonly Restatement[];
}

export const readRestated = async (
  client: ClickHouseClient,
  coverage: Coverage,
  hourMillis: number,
  range: HourSpan = ALL_TIME,
): Promise<Restated> => {
  const isCounted = ({ hour, ...source }: Restatement): boolean =>
    countedSources(coverage, hour, millis(hour + hourMillis))
      .map(sourceName)
      .includes(sourceName(source));
  const restatements = (await readRestatements(client, range)).filter(isCounted);
  return {
    hours: restatedHoursWhere(restatements, () => true),
    unwritten: restatements.filter(({ isWritten }) => !isWritten),
  };
};
