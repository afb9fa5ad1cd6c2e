import type { Millis } from '../shared/model/time.ts';

/** A reported hour whose rows were recomputed after it had closed, and which generation they are of. */
export interface RestatedHour {
  readonly hour: Millis;
  readonly generation: number;
}
