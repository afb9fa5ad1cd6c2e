import { Command } from 'commander';
import { makeAdjustment, planAdjustment } from '../../operations/adjustments/adjust.ts';
import { readAdjustments } from '../../operations/adjustments/adjustment-table.ts';
import { readRequest, type GivenAdjustment } from '../../operations/adjustments/read-request.ts';
import { withClickHouse, withSourceTools } from '../../operations/sources/source-tools.ts';
import { isoText, millis } from '../../shared/model/time.ts';
import { UserError } from '../../shared/process/errors.ts';
import { actorName } from '../../shared/sources/actor.ts';
import { printable } from '../../shared/terminal/printable.ts';
import { print, printJson } from '../print.ts';
import { readChangeConfig, readViewConfig } from '../settings.ts';
import { formatAdjustments, formatPlan, jsonOfAdjustment } from '../show/adjustments.ts';
import { subscriptionKey } from '../subscription-option.ts';

interface Options extends GivenAdjustment {
  readonly yes?: boolean;
  readonly dryRun?: boolean;
}

/** @throws UserError that names every problem */
const refuse = (problems: readonly string[]): never => {
  const text = problems.map((problem) => `  ${printable(problem)}`).join('\n');
  throw new UserError(`Nothing was written:\n${text}`);
};

const adjust = async (options: Options): Promise<void> => {
  const config = readChangeConfig();
  const request = readRequest(options, config.USAGE_HOUR_MILLIS, millis(Date.now()));
  if (!request.ok) return refuse(request.error);
  await withSourceTools(config, async (tools) => {
    const planned = await planAdjustment(tools, request.value);
    if (!planned.ok) return refuse(planned.error);
    const plan = planned.value;
    if (plan.kind === 'made') {
      const { id, at, actor, countedIn } = plan.adjustment;
      print(
        `Adjustment ${id} was made on ${isoText(at)} by ${printable(actor)}, and counts in reported hour ${isoText(countedIn)}: nothing is done. For an equal one give a --key.`,
      );
      return;
    }
    const { before, adjustment } = plan;
    print(formatPlan(plan));
    if (options.dryRun) {
      print('\nNothing was written.');
      return;
    }
    if (!options.yes) {
      throw new UserError('Nothing was written: add --yes to do this, or --dry-run to see it');
    }
    await makeAdjustment(tools, plan, actorName());
    print(
      before === null
        ? `\nRecorded and sent. It counts when the aggregator has read it: see "usagectl event ${adjustment.id}".`
        : `\nIt was recorded on ${isoText(before.at)} by ${printable(before.actor)}, and is sent again, because it does not count yet.`,
    );
  });
};

interface ListOptions {
  readonly of?: string;
  readonly json?: boolean;
}

const list = async ({ of, json }: ListOptions): Promise<void> => {
  const found = await withClickHouse(readViewConfig(), (client) =>
    readAdjustments(client, { subscription: of }),
  );
  if (json) printJson(found.map(jsonOfAdjustment));
  else print(formatAdjustments(found));
};

export const adjustCommand = (command: Command): Command =>
  command
    .enablePositionalOptions()
    .option('--subscription <id>', 'the subscription whose usage was reported wrongly')
    .option('--resource <uri>', 'the resource, its whole URI')
    .option('--meter <id>', 'the meter')
    .option('--usage-hour <hour>', 'the hour in which it was used, such as 2026-02-03T04:00:00Z')
    .option(
      '--quantity <number>',
      'what to add to the usage, exact; to take usage back, below zero: --quantity -12.5',
    )
    .option('--reason <text>', 'why, in one line; the tenant reads it with the usage')
    .option(
      '--key <text>',
      'tells it from an equal one: the same usage hour by the same quantity once more',
    )
    .option('--location <region>', 'where the resource is, if it has no usage that would tell it')
    .option('--force', 'take more than is recorded for the usage hour')
    .option('--dry-run', 'only show what would be done')
    .option('--yes', 'do it')
    .action(adjust)
    .addCommand(
      new Command('list')
        .description('the adjustments that were made, and in which reported hour each one counts')
        .option('--subscription <id>', 'only those of this subscription', subscriptionKey)
        .option('--json', 'as JSON')
        .action(({ subscription, json }: { subscription?: string; json?: boolean }) =>
          list({ ...(subscription !== undefined && { of: subscription }), ...(json && { json }) }),
        ),
    );
