import { sourceName, type SourceId } from '../shared/model/source.ts';
import type { Millis } from '../shared/model/time.ts';

/** A reported hour whose rows were recomputed after it had closed. */
export interface RestatedHour {
  readonly hour: Millis;
  /** The generations of its sources, added up. Each source counts its own, so the greatest would not do. */
  readonly generation: number;
}

/** The same of one source. */
export interface Restatement extends RestatedHour, SourceId {}

/** The hours that sources restated, in order. @param restatements with the newest generation of each source */
export const restatedHours = (
  restatements: readonly Restatement[],
  sources: readonly SourceId[],
): readonly RestatedHour[] => {
  const counted = new Set(sources.map(sourceName));
  const sums = new Map<Millis, number>();
  for (const restatement of restatements) {
    if (!counted.has(sourceName(restatement))) continue;
    const { hour, generation } = restatement;
    sums.set(hour, (sums.get(hour) ?? 0) + generation);
  }
  return [...sums]
    .map(([hour, generation]) => ({ hour, generation }))
    .sort((a, b) => a.hour - b.hour);
};
