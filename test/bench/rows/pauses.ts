import type { BenchRow } from '../bench.ts';
import { runAggregator } from '../contenders/aggregator.ts';
import { atMost } from '../figure.ts';
import { PROBE, probe } from '../probe.ts';

const ROW = 'pauses';

export const pauses: BenchRow = {
  name: ROW,
  title: 'the longest pause of the event loop while the whole load is read',
  run: async (bench) => {
    const loaded = await bench.load();
    let longest = NaN;
    const { problem } = await runAggregator(loaded, ROW, {
      settings: PROBE,
      atBegin: probe,
      atEnd: async (service) => {
        longest = (await probe(service)).longestPauseMillis;
      },
    });
    const title = 'longest pause of the event loop';
    return [{ row: ROW, title, value: longest, unit: 'ms', target: atMost(100), problem }];
  },
};
