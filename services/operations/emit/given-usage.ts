import type { Usage } from '../../provider-sdk/usage.ts';

/** Usage to be emitted, and where it was given: a line of a file, or null for the options of the command. */
export interface GivenUsage {
  readonly line: number | null;
  /** As it was given: nothing of it has been checked. */
  readonly usage: Usage;
}

/** Why something cannot be emitted. */
export interface EmitProblem {
  readonly line: number | null;
  /** The field that is wrong; null if it is the whole line. */
  readonly field: string | null;
  /** In words that follow the name of the field, or of the line. */
  readonly problem: string;
}
