import { Command, InvalidArgumentError, Option } from 'commander';
import { isSubscriptionId } from '../../shared/model/subscription-id.ts';
import { UserError } from '../../shared/process/errors.ts';
import { getUsage, type GetUsage } from '../usage/get-usage.ts';
import { watchUsage } from '../usage/watch-usage.ts';
import { OUTPUT_FORMATS, type OutputFormat } from '../usage/usage-output.ts';
import { exactTime } from '../time-option.ts';
import type { Millis } from '../../shared/model/time.ts';
import { wholeNumber } from '../whole-number.ts';

interface Options {
  readonly reportedStart?: Millis;
  readonly reportedEnd?: Millis;
  readonly granularity: 'hourly' | 'daily';
  readonly subscriber?: string;
  readonly output: OutputFormat;
  readonly provisional?: boolean;
  readonly limit?: number;
  readonly wait: number;
  readonly watch?: number | true;
  readonly profile?: string;
  readonly role?: 'operator' | 'tenant';
  readonly subscription?: string;
}

const subscriptionId = (text: string): string => {
  if (isSubscriptionId(text)) return text;
  throw new InvalidArgumentError(
    'it must be an id in the form of a GUID, such as 1d6c4363-3a9b-4cb6-8e6c-fc2e9ec74ca4',
  );
};

/** A longer table is no help; the other formats have everything. */
export const TABLE_ROWS = 1000;

export const DEFAULT_WAIT_SECONDS = 300;

const WATCH_SECONDS = 5;

const get = (options: Options): Promise<void> => {
  const { watch, output } = options;
  if (watch === undefined) return getUsage(asked(options));
  if (output !== 'table') {
    throw new UserError('--watch shows a table again and again: it has no other --output');
  }
  return watchUsage(asked(options), (watch === true ? WATCH_SECONDS : watch) * 1000);
};

const asked = (options: Options): GetUsage => ({
  from: options.reportedStart ?? null,
  to: options.reportedEnd ?? null,
  granularity: options.granularity === 'hourly' ? 'Hourly' : 'Daily',
  subscriberId: options.subscriber ?? null,
  isProvisional: options.provisional === true,
  output: options.output,
  limit: options.limit ?? (options.output === 'table' ? TABLE_ROWS : null),
  waitMillis: options.wait * 1000,
  profile: options.profile,
  role: options.role,
  subscription: options.subscription,
});

const getCommand = (): Command =>
  new Command('get')
    .description('read usage by the hour or day in which it was reported, from the usage API')
    .option('--reported-start <time>', 'reported at or after this time', exactTime)
    .option('--reported-end <time>', 'reported before this time', exactTime)
    .addOption(
      new Option('--granularity <granularity>', 'rows by usage hour, or by usage day')
        .choices(['hourly', 'daily'])
        .default('daily')
        .argParser((text: string) => {
          const lower = text.toLowerCase();
          if (lower === 'hourly' || lower === 'daily') return lower;
          throw new InvalidArgumentError('it must be hourly or daily');
        }),
    )
    .option('--subscriber <id>', 'only this tenant (operators)', subscriptionId)
    .addOption(
      new Option('--output <format>', 'how it is printed').choices(OUTPUT_FORMATS).default('table'),
    )
    .option('--provisional', 'also what is reported in hours that are not closed yet (operators)')
    .option(
      '--limit <n>',
      `at most n rows (all; of a table ${String(TABLE_ROWS)})`,
      wholeNumber(1, Number.MAX_SAFE_INTEGER),
    )
    .option(
      '--wait <seconds>',
      'how long to wait for an hour that is not complete, or a busy API',
      wholeNumber(0, 86_400),
      DEFAULT_WAIT_SECONDS,
    )
    .option(
      '--watch [seconds]',
      `show the table again and again, with so many seconds between (${String(WATCH_SECONDS)})`,
      wholeNumber(1, 3_600),
    )
    .option('--profile <name>', 'where and as whom: see "usagectl profile" (USAGECTL_PROFILE)')
    .addOption(
      new Option('--role <role>', 'operator: all direct tenants; tenant: one subscription').choices(
        ['operator', 'tenant'],
      ),
    )
    .option(
      '--subscription <id>',
      'the calling subscription (of the profile, or PROVIDER_SUBSCRIPTION_ID)',
      subscriptionId,
    )
    .addHelpText(
      'after',
      '\nWithout a profile the API is at USAGE_API_URL, with USAGE_API_TOKEN and USAGE_API_CA_FILE if they are set.\n' +
        'Pages are followed to the end. A CSV file is for people: a text that a spreadsheet would run as a formula begins\n' +
        "with '. JSON and NDJSON have every value unchanged.",
    )
    .action(get);

export const usageCommand = (command: Command): Command => command.addCommand(getCommand());
