import type { Bench, BenchRow } from '../bench.ts';
import { runAggregator } from '../contenders/aggregator.ts';
import { atMost, type Figure } from '../figure.ts';
import type { LoadOptions } from '../load/load.ts';
import { PROBE, probe } from '../probe.ts';

const ROW = 'memory';

interface Sample {
  readonly events: number;
  readonly windows: number;
  readonly liveBytes: number;
  readonly problem: string | null;
}

const sampleOf = async (
  { load, say }: Bench,
  name: string,
  variant: Partial<LoadOptions>,
): Promise<Sample> => {
  const loaded = await load(variant);
  let liveBytes = NaN;
  const { problem } = await runAggregator(loaded, `${ROW}_${name}`, {
    settings: PROBE,
    atEnd: async (service) => {
      ({ liveBytes } = await probe(service));
    },
  });
  const { events, windows } = loaded.totals;
  say(
    `  ${String(windows)} windows, ${String(events)} ids: ${(liveBytes / 2 ** 20).toFixed(1)} MiB in use`,
  );
  return { events, windows, liveBytes, problem };
};

/**
 * What is in use when all is folded and the garbage is collected, for three loads: a quarter of
 * the ids in few windows; all ids in few windows; as many ids in many windows. The differences are the ids' and the windows' own.
 */
export const memory: BenchRow = {
  name: ROW,
  title: 'bytes of memory for each open window and each id',
  run: async (bench) => {
    const { events, resources, meters, usageHours } = bench.options;
    const few = { resources: 1, meters: 1, usageHours };
    const many = { resources, meters, usageHours };
    const less = await sampleOf(bench, 'few', { ...few, events: Math.ceil(events / 4) });
    const ids = await sampleOf(bench, 'ids', { ...few, events });
    const both = await sampleOf(bench, 'both', { ...many, events });
    const problem = less.problem ?? ids.problem ?? both.problem;
    const perId = (ids.liveBytes - less.liveBytes) / (ids.events - less.events);
    const perWindow =
      (both.liveBytes - ids.liveBytes - perId * (both.events - ids.events)) /
      (both.windows - ids.windows);
    const figure = (title: string, value: number, most: number): Figure => ({
      row: ROW,
      title,
      value,
      unit: 'bytes',
      target: atMost(most),
      problem,
    });
    return [figure('an open window', perWindow, 400), figure('an id', perId, 48)];
  },
};
