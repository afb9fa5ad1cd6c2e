import type { BenchRow } from '../bench.ts';
import { kill, killLarge } from './kill.ts';
import { memory } from './memory.ts';
import { pauses } from './pauses.ts';
import { duplicates, size } from './proportions.ts';
import { throughput } from './throughput.ts';

/** All rows, in the order in which they run. */
export const ROWS: readonly BenchRow[] = [
  throughput,
  pauses,
  memory,
  kill,
  duplicates,
  size,
  killLarge,
];
