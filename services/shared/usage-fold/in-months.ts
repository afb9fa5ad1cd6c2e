import { isoText } from '../model/time.ts';
import type { ChunkRows } from './chunk.ts';

/** The month of the reported hour of a chunk, `YYYY-MM`. */
export const monthOf = ({ reportedHour }: Pick<ChunkRows, 'reportedHour'>): string =>
  isoText(reportedHour).slice(0, 'YYYY-MM'.length);

/**
 * Groups successive chunks by the month of their reported hour. The ledger is partitioned by that month. An
 * insert into several months may be stored in part, and then the later month alone would suggest that
 * nothing was accepted in the earlier one.
 */
export const inMonths = <C extends Pick<ChunkRows, 'reportedHour'>>(
  chunks: readonly C[],
): readonly (readonly C[])[] => {
  const months: C[][] = [];
  let month = '';
  for (const chunk of chunks) {
    const its = monthOf(chunk);
    if (its !== month) months.push([]);
    month = its;
    months.at(-1)?.push(chunk);
  }
  return months;
};
