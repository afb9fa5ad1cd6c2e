import { stateSpans, type Coverage } from '../shared/sources/coverage.ts';
import { isoText, type Millis } from '../shared/model/time.ts';

/**
 * Whether sources answer for a range. Only then does an empty answer mean that nothing was used. A range
 * that is still being processed gets an error instead of an answer, so there is no value for it here.
 */
export interface RangeCoverage {
  readonly word: 'complete' | 'partly' | 'not-covered';
  /**
   * The spans of reported time for which no source answers: `2019-12-10T19:00:00Z/2019-12-10T20:00:00Z`
   */
  readonly notCovered: readonly string[];
}

export const rangeCoverage = (coverage: Coverage, from: Millis, to: Millis): RangeCoverage => {
  const spans = stateSpans(coverage, from, to);
  const gaps = spans.filter(({ state }) => state === 'not-covered');
  return {
    word: wordOf(gaps.length, spans.length),
    notCovered: gaps.map((gap) => `${isoText(gap.from)}/${isoText(gap.to)}`),
  };
};

const wordOf = (gaps: number, spans: number): RangeCoverage['word'] => {
  if (gaps === 0) return 'complete';
  return gaps === spans ? 'not-covered' : 'partly';
};
