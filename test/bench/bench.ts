import type { Figure } from './figure.ts';
import type { Loaded } from './load/loaded.ts';
import type { LoadOptions } from './load/load.ts';
import type { BenchOptions } from './options.ts';
import type { Servers } from './servers.ts';

/** What a row of the benchmark works with. */
export interface Bench {
  readonly options: BenchOptions;
  readonly servers: Servers;
  /** The load of the options, written once however many rows read it; or a variant of it. */
  readonly load: (variant?: Partial<LoadOptions>) => Promise<Loaded>;
  /** Says what is being done now. */
  readonly say: (text: string) => void;
}

/** One row of `--only`. */
export interface BenchRow {
  readonly name: string;
  readonly title: string;
  /** Only with `--long`, or when it is asked for by name. */
  readonly long?: boolean;
  run(bench: Bench): Promise<readonly Figure[]>;
}
