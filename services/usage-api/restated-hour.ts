import type { Millis } from '../shared/model/time.ts';

/** A reported hour whose rows were recomputed after it had closed, and the generation of those rows. */
export interface RestatedHour {
  readonly hour: Millis;
  readonly generation: number;
}
