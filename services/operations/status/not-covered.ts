import { stateSpans, type Coverage, type StateSpan } from '../../shared/sources/coverage.ts';
import { isoText, type Millis } from '../../shared/model/time.ts';

/** A span of reported time, as text. */
export interface TimeSpan {
  /** Inclusive; null for the beginning of time. */
  readonly from: string | null;
  /** Exclusive; null for the end of time. */
  readonly to: string | null;
}

const textOf = (instant: Millis): string | null =>
  Number.isFinite(instant) ? isoText(instant) : null;

export const timeSpan = ({ from, to }: StateSpan): TimeSpan => ({
  from: textOf(from),
  to: textOf(to),
});

/** The states of all reported time. */
export const allSpans = (coverage: Coverage): readonly StateSpan[] =>
  stateSpans(coverage, -Infinity as Millis, Infinity as Millis);

/**
 * The spans of reported time for which no source answers. That they have no usage does not mean that
 * nothing was used.
 */
export const notCovered = (coverage: Coverage): readonly TimeSpan[] =>
  allSpans(coverage)
    .filter(({ state }) => state === 'not-covered')
    .map(timeSpan);

const SHOWN = 3;

/** The last spans, in one line. */
export const notCoveredLine = (spans: readonly TimeSpan[]): string => {
  if (spans.length === 0) return 'nothing';
  const shown = spans.slice(-SHOWN).map(({ from, to }) => {
    if (from === null) return to === null ? 'everything: there is no source' : `before ${to}`;
    return to === null ? `from ${from} on` : `${from} to ${to}`;
  });
  const more = spans.length - shown.length;
  const others = more === 0 ? [] : [`${String(more)} more, see "usagectl sources coverage"`];
  return [...others, ...shown].join('; ');
};
