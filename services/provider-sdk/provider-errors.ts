import type { UsageProblem } from './usage.ts';

/** A problem of one of the usages that were given to `emit`, which are counted from 0. */
export interface RefusedUsage extends UsageProblem {
  readonly index: number;
}

const SHOWN_PROBLEMS = 20;

/** Usage that cannot be reported as it is. Nothing of the call was sent. */
export class UsageRefused extends Error {
  override readonly name = 'UsageRefused';
  readonly problems: readonly RefusedUsage[];

  constructor(problems: readonly RefusedUsage[]) {
    const shown = problems
      .slice(0, SHOWN_PROBLEMS)
      .map(({ index, field, problem }) => `usage ${String(index)}: ${field} ${problem}`);
    const more = problems.length - shown.length;
    const rest = more > 0 ? [`and ${String(more)} more problems`] : [];
    super(`Nothing was sent. ${[...shown, ...rest].join('; ')}`);
    this.problems = problems;
  }
}

/**
 * The broker did not acknowledge usage in time. It may be in the log or not. Emitting the same usage again does
 * no harm: it has the same ids, and counts once.
 */
export class DeliveryFailed extends Error {
  override readonly name = 'DeliveryFailed';
}

/** `emit` was called after `close`. */
export class ProviderClosed extends Error {
  override readonly name = 'ProviderClosed';

  constructor() {
    super('This provider is closed: open another one to emit usage');
  }
}
