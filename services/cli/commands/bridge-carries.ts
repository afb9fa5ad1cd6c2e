import type { Command } from 'commander';
import {
  carryPorts,
  carryUnbilled,
  type Planned,
} from '../../operations/carries/carry-unbilled.ts';
import type { SubmissionFilter } from '../../operations/carries/unbilled-submissions.ts';
import { withSourceTools } from '../../operations/sources/source-tools.ts';
import { readCommerceHoldings } from '../../shared/billing/commerce-holdings.ts';
import { aggregatesTopicName } from '../../shared/kafka/topic-names.ts';
import { commerceTokens } from '../../shared/commerce/sign-in.ts';
import type { Hour } from '../../shared/model/time.ts';
import { checkFailed } from '../exit-code.ts';
import { print, printJson } from '../print.ts';
import { readCarryConfig } from '../settings.ts';
import { formatPlanned } from '../show/carries.ts';
import { checkHours, EMPTY_RANGE, hour } from '../time-option.ts';
import { UserError } from '../../shared/process/errors.ts';

interface Options {
  readonly meter?: string;
  readonly code?: string;
  readonly from?: Hour;
  readonly to?: Hour;
  readonly reason: string;
  readonly atOnce?: boolean;
  readonly dryRun?: boolean;
  readonly json?: boolean;
}

const carry = async (outcome: SubmissionFilter['outcome'], options: Options): Promise<void> => {
  const { meter = null, code = null, from = null, to = null } = options;
  if (from !== null && to !== null && from >= to) throw new UserError(EMPTY_RANGE);
  const config = readCarryConfig();
  checkHours({ '--from': from ?? undefined, '--to': to ?? undefined }, config.USAGE_HOUR_MILLIS);
  const commerce = { url: config.COMMERCE_URL, tokens: commerceTokens(config) };
  const { dryRun = false, atOnce = false, reason } = options;
  const topic = aggregatesTopicName(config.USAGE_TOPIC_PREFIX);
  const planned = await withSourceTools(config, (tools) =>
    carryUnbilled(
      carryPorts(tools, topic, (since) => readCommerceHoldings(commerce, since)),
      { filter: { outcome, code, meter, from, end: to }, atOnce, dryRun, reason },
    ),
  );
  if (options.json) printJson(planned.map(jsonOf));
  else print(formatPlanned(planned, outcome, dryRun));
  if (planned.some(({ plan }) => plan.kind === 'left')) checkFailed();
};

const jsonOf = ({ submission: { at, hour: of, submission, code, message }, plan }: Planned) => ({
  ...at,
  hour: of,
  submissionId: submission.submissionId,
  resourceUri: submission.resourceUri,
  dimension: submission.dimension,
  code,
  message,
  ...plan,
});

const carrying = (command: Command): Command =>
  command
    .option('--meter <id>', 'only those of this local meter')
    .option('--from <hour>', 'only those of reported hours from this one on', hour)
    .option('--to <hour>', 'only those up to this one, exclusive', hour)
    .requiredOption('--reason <text>', 'why')
    .option('--dry-run', 'only report what would be done')
    .option('--json', 'as JSON');

export const releaseCommand = (command: Command): Command =>
  carrying(command)
    .description(
      'carry held usage into the next hour, now that the catalog knows its meter; the bridge does so by itself when the new terms begin. Exit code 1 if any is left',
    )
    .action((options: Options) => carry('held', options));

export const resubmitCommand = (command: Command): Command =>
  carrying(command)
    .description(
      'carry usage that Commerce refused for good into the next hour, once the cause is mended. Commerce is asked first what it holds. Exit code 1 if any is left',
    )
    .option('--code <code>', 'only those refused with this code, such as ResourceNotFound')
    .option(
      '--at-once',
      'also if Commerce may still accept the hour itself. Only if no other bridge runs, frozen ones included: it could still send it',
    )
    .action((options: Options) => carry('dead-lettered', options));
