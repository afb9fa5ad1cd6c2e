import { isoText, type Millis } from '../../shared/model/time.ts';

/** `[from, to)` */
export interface HourSpan {
  readonly from: Millis;
  readonly to: Millis;
}

/** Adds a span to spans that are in order and apart; neighbours become one. */
export const withSpan = (spans: readonly HourSpan[], added: HourSpan): readonly HourSpan[] => {
  const merged: HourSpan[] = [];
  for (const span of [...spans, added].sort((a, b) => a.from - b.from)) {
    const last = merged.at(-1);
    if (last === undefined || span.from > last.to) merged.push(span);
    else if (span.to > last.to) merged[merged.length - 1] = { from: last.from, to: span.to };
  }
  return merged;
};

export const isWithin = (spans: readonly HourSpan[], { from, to }: HourSpan): boolean =>
  spans.some((span) => span.from <= from && to <= span.to);

export const overlaps = (spans: readonly HourSpan[], { from, to }: HourSpan): boolean =>
  spans.some((span) => span.from < to && from < span.to);

/** The parts of a span that are in none of these spans, which are in order and apart. */
export const leftOf = (span: HourSpan, taken: readonly HourSpan[]): readonly HourSpan[] => {
  const left: HourSpan[] = [];
  let at = span.from;
  for (const { from, to } of taken.filter((each) => overlaps([each], span))) {
    if (at < from) left.push({ from: at, to: from });
    at = to;
  }
  return at < span.to ? [...left, { from: at, to: span.to }] : left;
};

/** Says for which spans no source answers. */
export const notCoveredText = (spans: readonly HourSpan[]): string =>
  `No source answers for ${spans.map(({ from, to }) => `${isoText(from)} to ${isoText(to)}`).join(', ')}: nobody knows what was used there.`;
