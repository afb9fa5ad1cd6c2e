import type { BenchRow } from '../bench.ts';
import { throughput } from './throughput.ts';

/** All rows, in the order in which they run. */
export const ROWS: readonly BenchRow[] = [throughput];
