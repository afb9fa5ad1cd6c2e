import type { Bench, BenchRow } from '../bench.ts';
import { CONTENDERS, ENGINES, STREAMS, type Contender } from '../contenders/contenders.ts';
import type { Run } from '../contenders/contender.ts';
import type { Loaded } from '../load/loaded.ts';
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

const recordsOf = ({ counts }: Run): number => counts['records'] ?? NaN;

const rateOf = (run: Run): number => recordsOf(run) / run.seconds;

/** Processor seconds of all processes together, a million events. */
const effortOf = (run: Run): number =>
  (Object.values(run.usage.processor).reduce((a, b) => a + b, 0) / recordsOf(run)) * MILLION;

const runOnce = async (
  say: Bench['say'],
  result: Results,
  loaded: Loaded,
  round: number,
): Promise<void> => {
  const { contender, runs } = result;
  try {
    const run = await contender.run(loaded, String(round));
    if (run.problem !== null) result.problem ??= `${contender.title}: ${run.problem}`;
    runs.push(run);
    const { contender: own = 0, broker = 0, engine = 0 } = run.usage.processor;
    say(
      `  ${contender.title}: ${numberText(rateOf(run))} events/s in ${numberText(run.seconds)} s; processor ${numberText(own)} s, ` +
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

const figuresOf = (results: readonly Results[]): readonly Figure[] => {
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
  /**
   * The median of what each round says, so that only runs that were beside each other are compared: the
   * aggregator against the best of some others.
   */
  const ratio = (
    others: readonly string[],
    value: (run: Run) => number,
    best: (...values: number[]) => number,
  ): number | null => {
    const own = byName.get('aggregator')?.runs ?? [];
    const rounds = own.flatMap((run, n) => {
      const values = others.flatMap((name) => {
        const other = byName.get(name)?.runs[n];
        return other ? [value(other)] : [];
      });
      return values.length === others.length ? [value(run) / best(...values)] : [];
    });
    return rounds.length === 0 ? null : median(rounds);
  };
  const against = (
    what: string,
    others: readonly string[],
    value: (run: Run) => number,
    target: Target,
  ): Figure => {
    const best = target.bound === 'at least' ? Math.max : Math.min;
    return figure(what, '×', ratio(others, value, best), target, 'aggregator', ...others);
  };
  const peak = ({ usage }: Run): number => (usage.peak['contender'] ?? NaN) / MIB;
  return [
    ...results.map(({ contender: { name, title } }) =>
      figure(title, 'events/s', of(name, rateOf), null, name),
    ),
    against("aggregator against ClickHouse's Kafka engine", ENGINES, rateOf, atLeast(2)),
    against('aggregator against the bare drain', ['drain'], rateOf, atLeast(0.6)),
    against('aggregator against Kafka Streams at its best', STREAMS, rateOf, atLeast(1)),
    ...results.map(({ contender: { name, title } }) =>
      figure(
        `processor time a million, all processes: ${title}`,
        's',
        of(name, effortOf),
        null,
        name,
      ),
    ),
    against("processor time against ClickHouse's Kafka engine", ENGINES, effortOf, atMost(0.5)),
    figure('peak memory of the aggregator', 'MiB', of('aggregator', peak), null, 'aggregator'),
  ];
};

export const throughput: BenchRow = {
  name: ROW,
  title: 'events a second and processor time, side by side with what one would use instead',
  run: async (bench) => {
    const loaded = await bench.load();
    return figuresOf(await runRounds(bench, loaded));
  },
};
