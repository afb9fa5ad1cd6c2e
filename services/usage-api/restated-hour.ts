import { sourceName, type SourceId } from '../shared/model/source.ts';
import type { Millis } from '../shared/model/time.ts';

/** A reported hour whose rows were recomputed after it had closed, and the generation of its rows. */
export interface RestatedHour {
  readonly hour: Millis;
  readonly generation: number;
}

/** The same of one source. */
export interface Restatement extends RestatedHour, SourceId {}

/** The hours that sources restated, each with its newest generation, in order. */
export const restatedHours = (
  restatements: readonly Restatement[],
  sources: readonly SourceId[],
): readonly RestatedHour[] => {
  const counted = new Set(sources.map(sourceName));
  const newest = new Map<Millis, number>();
  for (const restatement of restatements) {
    if (!counted.has(sourceName(restatement))) continue;
    const { hour, generation } = restatement;
    newest.set(hour, Math.max(generation, newest.get(hour) ?? 0));
  }
  return [...newest]
    .map(([hour, generation]) => ({ hour, generation }))
    .sort((a, b) => a.hour - b.hour);
};
