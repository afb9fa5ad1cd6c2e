import type { Scene } from '../scene.ts';
import type { LoadTotals } from './load.ts';
import type { WrittenLoad } from './write-load.ts';

/** A load that stands in a topic, and what it must come to. */
export interface Loaded {
  readonly scene: Scene;
  readonly load: WrittenLoad;
  readonly totals: LoadTotals;
}
