/** What a figure must reach: at least, or at most, so much. */
export interface Target {
  readonly bound: 'at least' | 'at most';
  readonly value: number;
}

/** One line of the result. */
export interface Figure {
  /** The row of `--only` that it belongs to. */
  readonly row: string;
  readonly title: string;
  /** Null where it could not be measured, or does not count: `problem` says why. */
  readonly value: number | null;
  readonly unit: string;
  readonly target: Target | null;
  readonly problem: string | null;
}

export const atLeast = (value: number): Target => ({ bound: 'at least', value });
export const atMost = (value: number): Target => ({ bound: 'at most', value });

export type Verdict = 'met' | 'MISSED' | 'DOES NOT COUNT' | '';

export const verdictOf = ({ value, target, problem }: Figure): Verdict => {
  if (value === null || problem !== null) return 'DOES NOT COUNT';
  if (target === null) return '';
  const isMet = target.bound === 'at least' ? value >= target.value : value <= target.value;
  return isMet ? 'met' : 'MISSED';
};

/** Whether a figure is good enough. One that could not be measured, or does not count, never is. */
export const isGood = (figure: Figure, needsTarget: boolean): boolean => {
  const verdict = verdictOf(figure);
  return verdict === 'met' || verdict === '' || (verdict === 'MISSED' && !needsTarget);
};

/** @throws where there is none. */
export const median = (values: readonly number[]): number => {
  const sorted = [...values].sort((a, b) => a - b);
  const [low, high] = [sorted[(sorted.length - 1) >> 1], sorted[sorted.length >> 1]];
  if (low === undefined || high === undefined) throw new Error('there is no value');
  return (low + high) / 2;
};

/** The smallest value that so large a share (0 to 1) of all does not exceed. */
export const quantile = (values: readonly number[], share: number): number => {
  const sorted = [...values].sort((a, b) => a - b);
  const value = sorted[Math.max(0, Math.ceil(share * sorted.length) - 1)];
  if (value === undefined) throw new Error('there is no value');
  return value;
};

/** Three significant digits below a thousand, whole numbers with separators above. */
export const numberText = (value: number): string =>
  Math.abs(value) >= 1000
    ? Math.round(value).toLocaleString('en')
    : String(Number(value.toPrecision(3)));
