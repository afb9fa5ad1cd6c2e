import { messageOf } from '../../../services/shared/process/errors.ts';
import type { Bench, BenchRow } from '../bench.ts';
import { runAggregator } from '../contenders/aggregator.ts';
import type { Run } from '../contenders/contender.ts';
import { atLeast, median, numberText, type Figure, type Target } from '../figure.ts';
import type { LoadOptions } from '../load/load.ts';

/** Lets the aggregator read two loads in turns. @returns how many times as fast the first one is read. */
const compare = async (
  bench: Bench,
  row: string,
  variants: readonly [Partial<LoadOptions>, Partial<LoadOptions>],
  rounds: number,
  { title, target }: { readonly title: string; readonly target: Target },
): Promise<readonly Figure[]> => {
  const ratios: number[] = [];
  let problem: string | null = null;
  for (let round = 0; round < rounds && problem === null; round++) {
    const rates: number[] = [];
    for (const [n, variant] of variants.entries()) {
      const loaded = await bench.load(variant);
      let run: Run;
      try {
        run = await runAggregator(loaded, `${row}_${String(round)}_${String(n)}`);
      } catch (error) {
        problem ??= messageOf(error);
        break;
      }
      problem ??= run.problem;
      rates.push(loaded.totals.records / run.seconds);
      bench.say(`  ${JSON.stringify(variant)}: ${numberText(rates[n] ?? NaN)} events/s`);
    }
    const [first, second] = rates;
    if (first !== undefined && second !== undefined) ratios.push(first / second);
  }
  const value = ratios.length > 0 ? median(ratios) : null;
  return [{ row, title, value, unit: '×', target, problem }];
};

/** A log ten times as long, with ten times as many ids in the same windows. */
export const size: BenchRow = {
  name: 'size',
  title: 'ten times as many events in the same windows, against the usual load',
  long: true,
  run: (bench) =>
    compare(bench, 'size', [{ events: bench.options.events * 10 }, {}], 1, {
      title: 'events/s on a log ten times as long',
      target: atLeast(0.9),
    }),
};

export const duplicates: BenchRow = {
  name: 'duplicates',
  title: 'every record twice, against none repeated',
  run: (bench) =>
    compare(bench, 'duplicates', [{ duplicates: 0.5 }, { duplicates: 0 }], bench.options.rounds, {
      title: 'records/s with 50 % duplicates against none',
      target: atLeast(1),
    }),
};
