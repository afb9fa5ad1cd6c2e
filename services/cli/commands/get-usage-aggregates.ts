import type { Command } from 'commander';
import { parseTimeInUtc } from '../../shared/model/time-text.ts';
import type { Millis } from '../../shared/model/time.ts';
import { UserError } from '../../shared/process/errors.ts';
import { parseCmdlet } from '../usage/cmdlet-parameters.ts';
import { getUsage } from '../usage/get-usage.ts';
import { OUTPUT_FORMATS, type OutputFormat } from '../usage/usage-output.ts';
import { DEFAULT_WAIT_SECONDS, TABLE_ROWS } from './usage.ts';

/** Those that Azure documents, then ours. */
const NAMES = [
  'ReportedStartTime',
  'ReportedEndTime',
  'AggregationGranularity',
  'ShowDetails',
  'SubscriberId',
  'Output',
  'Profile',
] as const;

const isOneOf = <T extends string>(text: string, values: readonly T[]): text is T =>
  (values as readonly string[]).includes(text);

/** Without an offset it is in UTC, as in the usage API. */
const timeOf = (name: string, text: string | undefined): Millis => {
  if (text === undefined) throw new UserError(`Get-UsageAggregates: -${name} is missing`);
  const parsed = parseTimeInUtc(text);
  if (!parsed.ok) throw new UserError(`Get-UsageAggregates: -${name}: ${parsed.error}`);
  if (parsed.value.isExact) return parsed.value.instant;
  throw new UserError(`Get-UsageAggregates: -${name} is finer than a millisecond`);
};

const granularityOf = (text = 'Daily'): 'Hourly' | 'Daily' => {
  const lower = text.toLowerCase();
  if (lower === 'hourly') return 'Hourly';
  if (lower === 'daily') return 'Daily';
  throw new UserError('Get-UsageAggregates: -AggregationGranularity must be Hourly or Daily');
};

const outputOf = (text = 'table'): OutputFormat => {
  const lower = text.toLowerCase();
  if (isOneOf(lower, OUTPUT_FORMATS)) return lower;
  throw new UserError(`Get-UsageAggregates: -Output must be one of ${OUTPUT_FORMATS.join(', ')}`);
};

const run = async (words: readonly string[]): Promise<void> => {
  const parsed = parseCmdlet(words, NAMES);
  if (!parsed.ok) throw new UserError(`Get-UsageAggregates: ${parsed.error}`);
  const given = parsed.value;
  if (!/^\$?true$/i.test(given.ShowDetails ?? 'true')) {
    throw new UserError(
      'Get-UsageAggregates: -ShowDetails can only be $true: a stamp does not add up the resources of a meter',
    );
  }
  const output = outputOf(given.Output);
  await getUsage({
    from: timeOf('ReportedStartTime', given.ReportedStartTime),
    to: timeOf('ReportedEndTime', given.ReportedEndTime),
    granularity: granularityOf(given.AggregationGranularity),
    subscriberId: given.SubscriberId ?? null,
    isProvisional: false,
    output,
    limit: output === 'table' ? TABLE_ROWS : null,
    waitMillis: DEFAULT_WAIT_SECONDS * 1000,
    profile: given.Profile,
  });
};

/** Azure's cmdlet, with its own way of writing parameters. */
export const getUsageAggregatesCommand = (command: Command): Command =>
  command
    .usage('-ReportedStartTime <time> -ReportedEndTime <time> [-AggregationGranularity Hourly]')
    .argument('[parameters...]', `${NAMES.map((name) => `-${name}`).join(', ')}, each with a value`)
    .allowUnknownOption()
    .addHelpText(
      'after',
      '\nNames of parameters ignore case and may be cut, as in PowerShell. A time without an offset is in UTC.\n' +
        '"usagectl usage get --help" explains the rest: both do the same.',
    )
    .action(run);
