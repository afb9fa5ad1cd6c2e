import { isoText } from '../model/time.ts';
import type { ChunkRows } from './chunk.ts';

/**
 * Chunks that follow one another, by the month of their reported hour. The ledger is partitioned by that
 * month: an insert into several of them may be stored in part, and the later month alone would say of the
 * earlier one that nothing was accepted there.
 */
export const inMonths = <C extends Pick<ChunkRows, 'reportedHour'>>(
  chunks: readonly C[],
): readonly (readonly C[])[] => {
  const months: C[][] = [];
  let month = '';
  for (const chunk of chunks) {
    const its = isoText(chunk.reportedHour).slice(0, 'YYYY-MM'.length);
    if (its !== month) months.push([]);
    month = its;
    months.at(-1)?.push(chunk);
  }
  return months;
};
