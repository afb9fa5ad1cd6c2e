import { isDeepStrictEqual } from 'node:util';
import type { ClickHouseClient } from '@clickhouse/client';
import { UserError } from '../../shared/process/errors.ts';
import type { Coverage } from '../../shared/sources/coverage.ts';
import { unwrittenTexts, type RestatedHour } from '../../shared/sources/restated-hours.ts';
import type { HourSpan } from './hour-spans.ts';
import { readRestated } from './range-sources.ts';

/** Thrown where a restatement has begun while rows were read: some may be old and some new. */
class RestatedMeanwhile extends Error {}

/** Where closed rows are read from, and what was known of them before. */
export interface UnmixedReading {
  readonly client: ClickHouseClient;
  readonly coverage: Coverage;
  readonly hourMillis: number;
  readonly range: HourSpan;
  /** Read before the rows, and all of it written. */
  readonly restated: readonly RestatedHour[];
}

/** @throws RestatedMeanwhile if rows that were read until now may be mixed, see `readRestatements` */
export const checkUnmixed = async (reading: UnmixedReading): Promise<void> => {
  const { client, coverage, hourMillis, range, restated } = reading;
  const { hours } = await readRestated(client, coverage, hourMillis, range);
  if (!isDeepStrictEqual(hours, restated)) throw new RestatedMeanwhile();
};

/** Passes rows on, and ends only if they are all of before or all of after a restatement. */
export async function* unmixed<T>(
  blocks: AsyncIterable<T>,
  reading: UnmixedReading,
): AsyncGenerator<T> {
  yield* blocks;
  await checkUnmixed(reading);
}

/** @returns null if a restatement has begun meanwhile: what was read is not to be used */
export const unlessRestated = async <T>(work: () => Promise<T>): Promise<T | null> => {
  try {
    return await work();
  } catch (error) {
    if (error instanceof RestatedMeanwhile) return null;
    throw error;
  }
};

type Before<Range extends HourSpan> = Omit<UnmixedReading, 'restated' | 'range'> & {
  readonly range: Range;
};

/**
 * Reads rows of a range, again and again until no restatement has begun meanwhile.
 * @param read checks what it has read, with `unmixed` or `checkUnmixed`
 * @throws UserError if one is not written: it says what to do
 */
export const readUnmixed = async <Range extends HourSpan, T>(
  begin: () => Promise<Before<Range>>,
  read: (reading: UnmixedReading & Before<Range>) => Promise<T>,
): Promise<T> => {
  for (;;) {
    const reading = await begin();
    const { client, coverage, hourMillis, range } = reading;
    const { hours, unwritten } = await readRestated(client, coverage, hourMillis, range);
    if (unwritten.length > 0) throw new UserError(unwrittenTexts(unwritten, hourMillis).join('\n'));
    const unmixedReading = { ...reading, restated: hours };
    const done = await unlessRestated(async () => ({ value: await read(unmixedReading) }));
    if (done !== null) return done.value;
  }
};
