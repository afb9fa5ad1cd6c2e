import type { Bench, BenchRow } from '../bench.ts';
import { CONTENDERS, type Contender, type Loaded } from '../contenders/contenders.ts';
import type { Run } from '../contenders/contender.ts';
import { messageOf } from '../../../services/shared/process/errors.ts';
import { atLeast, atMost, median, numberText, type Figure, type Target } from '../figure.ts';

const ROW = 'throughput';
const MIB = 1024 * 1024;
const MILLION = 1_000_000;

/** All runs of a contender. */
interface Results {
  readonly contender: Contender;
  readonly runs: Run[];
  /** Why it does not count; one run that does not is enough. */
  problem: string | null;
}

const rateOf = (run: Run, records: number): number => records / run.seconds;

/** Processor seconds of all processes together, a million events. */
const effortOf = ({ usage }: Run, records: number): number =>
  (Object.values(usage.processor).reduce((a, b) => a + b, 0) / records) * MILLION;

const runOnce = async (
  say: Bench['say'],
  result: Results,
  loaded: Loaded,
  round: number,
): Promise<void> => {
  const { contender, runs } = result;
  const { records } = loaded.totals;
  try {
    const run = await contender.run(loaded, String(round));
    if (run.problem !== null) result.problem ??= `${contender.title}: ${run.problem}`;
    runs.push(run);
    const { contender: own = 0, broker = 0, engine = 0 } = run.usage.processor;
    say(
      `  ${contender.title}: ${numberText(rateOf(run, records))} events/s in ${numberText(run.seconds)} s; processor ${numberText(own)} s, ` +
        `broker ${numberText(broker)} s, engine ${numberText(engine)} s${run.problem === null ? '' : `; DOES NOT COUNT: ${run.problem}`}`,
    );
  } catch (error) {
    const problem = `${contender.title}: ${messageOf(error).trim()}`;
    result.problem ??= problem;
    say(`  ${problem}`);
  }
};

/** Contenders take turns in each round, in another order each time: what else the machine does hits all alike. */
const runRounds = async (bench: Bench, loaded: Loaded): Promise<readonly Results[]> => {
  const results = CONTENDERS.map((contender): Results => ({ contender, runs: [], problem: null }));
  for (let round = 0; round < bench.options.rounds; round++) {
    bench.say(`Round ${String(round + 1)} of ${String(bench.options.rounds)}`);
    const turn = round % results.length;
    for (const result of [...results.slice(turn), ...results.slice(0, turn)]) {
      await runOnce(bench.say, result, loaded, round);
    }
  }
  return results;
};

const figuresOf = (results: readonly Results[], records: number): readonly Figure[] => {
  const byName = new Map(results.map((result) => [result.contender.name, result]));
  const of = (name: string, value: (run: Run) => number): number | null => {
    const runs = byName.get(name)?.runs ?? [];
    return runs.length === 0 ? null : median(runs.map(value));
  };
  const figure = (
    title: string,
    unit: string,
    value: number | null,
    target: Target | null,
    ...names: readonly string[]
  ): Figure => {
    const problem = names.map((name) => byName.get(name)?.problem ?? null).find((p) => p !== null);
    return { row: ROW, title, unit, value, target, problem: problem ?? null };
  };
  /** The median of what each round says, so that only runs that were beside each other are compared. */
  const ratio = (a: string, b: string, value: (run: Run) => number): number | null => {
    const [first, second] = [byName.get(a)?.runs ?? [], byName.get(b)?.runs ?? []];
    const pairs = first.flatMap((run, n) => {
      const other = second[n];
      return other ? [value(run) / value(other)] : [];
    });
    return pairs.length === 0 ? null : median(pairs);
  };
  const rate = (run: Run): number => rateOf(run, records);
  const effort = (run: Run): number => effortOf(run, records);
  const isHere = (name: string): boolean => byName.has(name);
  return [
    ...results.map(({ contender: { name, title } }) =>
      figure(title, 'events/s', of(name, rate), null, name),
    ),
    ...(isHere('engine')
      ? [
          figure(
            "aggregator against ClickHouse's Kafka engine",
            '×',
            ratio('aggregator', 'engine', rate),
            atLeast(2),
            'aggregator',
            'engine',
          ),
        ]
      : []),
    figure(
      'aggregator against the bare drain',
      '×',
      ratio('aggregator', 'drain', rate),
      atLeast(0.6),
      'aggregator',
      'drain',
    ),
    ...results.map(({ contender: { name, title } }) =>
      figure(
        `processor time a million, all processes: ${title}`,
        's',
        of(name, effort),
        null,
        name,
      ),
    ),
    ...(isHere('engine')
      ? [
          figure(
            "processor time against ClickHouse's Kafka engine",
            '×',
            ratio('aggregator', 'engine', effort),
            atMost(0.5),
            'aggregator',
            'engine',
          ),
        ]
      : []),
    figure(
      'peak memory of the aggregator',
      'MiB',
      of('aggregator', ({ usage }) => (usage.peak['contender'] ?? NaN) / MIB),
      null,
      'aggregator',
    ),
  ];
};

export const throughput: BenchRow = {
  name: ROW,
  title: 'events a second and processor time, side by side with what one would use instead',
  run: async (bench) => {
    const loaded = await bench.load();
    return figuresOf(await runRounds(bench, loaded), loaded.totals.records);
  },
};
