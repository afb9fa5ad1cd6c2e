import { parseArgs } from 'node:util';
import { messageOf } from '../../services/shared/process/errors.ts';
import type { Mutant } from './mutants.ts';
import type { Counts } from './schedule-result.ts';
import { addCounts, runShare, type ShareReport } from './share.ts';
import { SIMULATIONS, type Simulation } from './simulations.ts';

/** Processes that simulate at the same time. */
const PROCESSES = 2;
/** A mutant that survives so many schedules has survived. */
const MUTANT_SCHEDULES = 20_000;

const { values } = parseArgs({
  options: {
    of: { type: 'string', default: 'aggregator' },
    schedules: { type: 'string' },
    seed: { type: 'string' },
    minutes: { type: 'string' },
    seconds: { type: 'string', default: '86400' },
    mutants: { type: 'boolean', default: false },
    mutant: { type: 'string' },
  },
});

const wholeNumber = (name: string, text: string): number => {
  const value = Number(text);
  if (!Number.isSafeInteger(value) || value < 0) throw new Error(`--${name} takes a whole number`);
  return value;
};

const number = (value: number): string => value.toLocaleString('en');

const printCounts = (labels: Simulation['labels'], counts: Counts): void => {
  for (const [name, label] of labels) {
    console.log(`  ${label.padEnd(24)}${number(counts[name] ?? 0).padStart(12)}`);
  }
};

/** Runs schedules in several processes; resolves to the first failure, or null. */
const runAll = async (
  of: Simulation,
  seed: number,
  schedules: number,
  seconds: number,
  mutant: Mutant | null,
): Promise<{ readonly reports: readonly ShareReport[]; readonly failed: ShareReport | null }> => {
  const stop = new AbortController();
  const progress: ShareReport[] = [];
  let shown = 0;
  const shares = Array.from({ length: PROCESSES }, (_, at) =>
    runShare(
      { of, from: seed + at, every: PROCESSES, to: seed + schedules, seconds, mutant },
      (report) => {
        progress[at] = report;
        if (report.failure !== null) stop.abort();
        const done = progress.reduce((sum, share) => sum + share.schedules, 0);
        if (mutant === null && done >= shown + schedules / 10) {
          shown = done;
          console.log(`  ${number(done)} of ${number(schedules)} schedules`);
        }
      },
      stop.signal,
    ),
  );
  const reports = await Promise.all(shares);
  return { reports, failed: reports.find(({ failure }) => failure !== null) ?? null };
};

const simulate = async (
  of: Simulation,
  seed: number,
  schedules: number,
  seconds: number,
): Promise<boolean> => {
  console.log(
    `simulating ${number(schedules)} schedules of the ${of.name} from seed ${String(seed)}`,
  );
  const begun = performance.now();
  const { reports, failed } = await runAll(of, seed, schedules, seconds, null);
  const done = reports.reduce((sum, report) => sum + report.schedules, 0);
  const took = (performance.now() - begun) / 1000;
  let counts: Counts | null = null;
  for (const report of reports) if (report.counts) counts = addCounts(counts, report.counts);
  console.log(
    `${number(done)} schedules in ${took.toFixed(1)} s, ${number(Math.round(done / took))} a second`,
  );
  if (counts) printCounts(of.labels, counts);
  console.log(`  ${'differences'.padEnd(24)}${(failed ? '1' : '0').padStart(12)}`);
  if (failed?.failure) {
    const { seed: at, violation } = failed.failure;
    console.error(`seed ${String(at)}: ${violation}`);
    console.error(
      `again: npm run test:simulation -- --of ${of.name} --seed ${String(at)} --schedules 1`,
    );
  } else if (done < schedules) {
    // Each process has its own share of the seeds.
    const next = Math.min(...reports.map((each, at) => seed + at + each.schedules * PROCESSES));
    console.log(`continue: npm run test:simulation -- --of ${of.name} --seed ${String(next)}`);
  }
  return failed === null;
};

const LINE = 100;

/** A mutant that does not even run has not been noticed. */
const isBroken = ({ failure }: ShareReport): boolean =>
  failure !== null && /^(Type|Reference|Syntax)Error/.test(failure.violation);

const outcomeOf = (report: ShareReport | string): string => {
  if (typeof report === 'string') return `FAILED ${report}`;
  const { schedules, failure } = report;
  if (isBroken(report)) return `BROKEN ${failure?.violation ?? ''}`;
  return failure
    ? `${number(schedules).padStart(7)}  ${failure.violation.slice(0, LINE).split('\n')[0] ?? ''}`
    : `${number(schedules).padStart(7)}  SURVIVED`;
};

/** Every mutant is run until it is noticed. */
const hunt = async (
  of: Simulation,
  mutants: readonly Mutant[],
  seed: number,
  schedules: number,
): Promise<boolean> => {
  const lines: { readonly mutant: Mutant; readonly report: ShareReport | string }[] = [];
  const waiting = [...mutants];
  const worker = async (): Promise<void> => {
    for (let mutant = waiting.shift(); mutant; mutant = waiting.shift()) {
      const share = { of, from: seed, every: 1, to: seed + schedules, seconds: 86_400, mutant };
      const report = await runShare(share).catch((error: unknown) => messageOf(error));
      lines.push({ mutant, report });
      console.log(`  ${mutant.name.padEnd(36)}${outcomeOf(report)}`);
    }
  };
  await Promise.all(Array.from({ length: PROCESSES }, worker));
  const survivors = lines.filter(
    ({ report }) => typeof report === 'string' || !report.failure || isBroken(report),
  );
  console.log(
    `${String(lines.length - survivors.length)} of ${String(lines.length)} mutants noticed`,
  );
  for (const { mutant } of survivors)
    console.error(`not noticed: ${mutant.name}: ${mutant.mistake}`);
  return survivors.length === 0;
};

const run = async (): Promise<boolean> => {
  const seed = wholeNumber('seed', values.seed ?? '1');
  const seconds =
    values.minutes === undefined
      ? wholeNumber('seconds', values.seconds)
      : 60 * wholeNumber('minutes', values.minutes);
  const of = SIMULATIONS.find(({ name }) => name === values.of);
  if (!of) throw new Error(`--of takes ${SIMULATIONS.map(({ name }) => name).join(' or ')}`);
  const isHunt = values.mutants || values.mutant !== undefined;
  const schedules = wholeNumber(
    'schedules',
    values.schedules ?? String(isHunt ? MUTANT_SCHEDULES : 100_000),
  );
  if (!isHunt) return simulate(of, seed, schedules, seconds);
  const mutants = of.mutants.filter(({ name }) => values.mutants || name === values.mutant);
  if (mutants.length === 0) throw new Error(`there is no mutant "${String(values.mutant)}"`);
  return hunt(of, mutants, seed, schedules);
};

try {
  if (!(await run())) process.exitCode = 1;
} catch (error) {
  console.error(messageOf(error));
  process.exitCode = 1;
}
