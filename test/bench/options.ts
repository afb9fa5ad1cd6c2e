import { Command, InvalidArgumentError } from 'commander';
import { wholeNumber } from '../../services/cli/whole-number.ts';
import type { LoadOptions } from './load/load.ts';

export interface BenchOptions extends LoadOptions {
  readonly rounds: number;
  readonly quick: boolean;
  readonly long: boolean;
  /** Whether a missed target counts as a failure. A figure that does not count always does. */
  readonly targets: boolean;
  /** Names of rows, or null for all that are due. */
  readonly only: readonly string[] | null;
}

/** The load that the targets are for, and a tenth of it for `--quick`: windows and ids in the same proportion. */
const FULL = { events: 1_000_000, resources: 65, rounds: 3 };
const QUICK = { events: 100_000, resources: 7, rounds: 1 };

interface Given extends Omit<BenchOptions, 'events' | 'resources' | 'rounds' | 'only'> {
  readonly events?: number;
  readonly resources?: number;
  readonly rounds?: number;
  readonly only?: string;
}

const share =
  (below: number) =>
  (text: string): number => {
    const value = Number(text);
    if (text.trim() !== '' && value >= 0 && value <= below) return value;
    throw new InvalidArgumentError(`it must be a number from 0 to ${String(below)}`);
  };

/** @throws by ending the process, with a message, where the arguments are wrong or ask for help. */
export const readOptions = (rows: readonly { name: string; title: string }[]): BenchOptions => {
  const names = rows.map(({ name }) => name);
  const known = (text: string): string => {
    const unknown = text.split(',').find((name) => !names.includes(name));
    if (unknown === undefined) return text;
    throw new InvalidArgumentError(`there is no row "${unknown}": choose of ${names.join(', ')}`);
  };
  const command = new Command('bench')
    .description(
      'Measures the pipeline side by side with what one would use instead, on a broker and an engine of its own, and holds the figures against their targets.',
    )
    .option('--only <rows>', 'these rows alone, with commas between', known)
    .option('--quick', 'a tenth of the load, for a first look within five minutes', false)
    .option('--long', 'also the rows that take long', false)
    .option('--no-targets', 'a missed target is printed, and does not end it with exit code 1')
    .option('--rounds <n>', 'how often each contender runs; medians count', wholeNumber(1, 100))
    .option('--events <n>', 'records of the load, duplicates among them', wholeNumber(10, 1e8))
    .option('--tenants <n>', 'tenants of the load', wholeNumber(1, 100_000), 50)
    .option('--resources <n>', 'resources of each tenant', wholeNumber(1, 100_000))
    .option('--meters <n>', 'meters of each resource', wholeNumber(1, 100), 3)
    .option('--usage-hours <n>', 'usage hours that the events belong to', wholeNumber(1, 720), 10)
    .option(
      '--duplicates <share>',
      'share of records that repeat an earlier one',
      share(0.9),
      0.025,
    )
    .option('--lateness <share>', 'share of events that come late', share(1), 0.05)
    .option('--partitions <n>', 'partitions of the topic', wholeNumber(1, 64), 4)
    .option('--seed <n>', 'another seed gives another load', wholeNumber(0, 2 ** 31), 1)
    .addHelpText(
      'after',
      `\nRows:\n${rows.map(({ name, title }) => `  ${name.padEnd(12)} ${title}`).join('\n')}\n\nFull: ${describe(FULL)}. Quick: ${describe(QUICK)}.`,
    )
    .parse();
  const given = command.opts<Given>();
  const usual = given.quick ? QUICK : FULL;
  return {
    ...usual,
    ...given,
    only: given.only?.split(',') ?? null,
  };
};

const describe = ({ events, resources, rounds }: typeof FULL): string =>
  `${events.toLocaleString('en')} events, ${String(resources)} resources a tenant, ${String(rounds)} rounds`;
