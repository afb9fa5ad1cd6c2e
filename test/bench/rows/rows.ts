import type { BenchRow } from '../bench.ts';
import { bridge } from './bridge.ts';
import { freshness } from './freshness.ts';
import { idle } from './idle.ts';
import { kill, killLarge } from './kill.ts';
import { memory } from './memory.ts';
import { pages } from './pages.ts';
import { pauses } from './pauses.ts';
import { duplicates, size } from './proportions.ts';
import { sparse } from './sparse.ts';
import { sdk } from './sdk.ts';
import { throughput } from './throughput.ts';

/** All rows, in the order in which they run. */
export const ROWS: readonly BenchRow[] = [
  throughput,
  pauses,
  memory,
  sdk,
  freshness,
  kill,
  sparse,
  pages,
  bridge,
  idle,
  duplicates,
  size,
  killLarge,
];
