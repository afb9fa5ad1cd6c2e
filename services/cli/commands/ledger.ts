import { Command } from 'commander';
import { UserError } from '../../shared/process/errors.ts';
import { withSourceTools } from '../../operations/sources/source-tools.ts';
import { planTrim, trimLedger } from '../../operations/sources/trim-ledger.ts';
import { isoText, type Hour } from '../../shared/model/time.ts';
import { print } from '../print.ts';
import { readChangeConfig } from '../settings.ts';
import { checkHours, hour } from '../time-option.ts';

const PATIENCE_MILLIS = 120_000;

interface Options {
  readonly before: Hour;
  readonly apply?: boolean;
  readonly reason?: string;
}

const trim = async ({ before, apply, reason }: Options): Promise<void> => {
  if (apply && !reason) throw new UserError('A trim is recorded: give the reason with --reason');
  const config = readChangeConfig();
  checkHours({ '--before': before }, config.USAGE_HOUR_MILLIS);
  await withSourceTools(config, async (tools) => {
    const plan = await planTrim(tools, before);
    const what = `${plan.rows.toLocaleString('en')} rows of usage before ${isoText(before)}`;
    if (!apply) {
      print(`The ledger holds ${what}. Nothing was changed; --apply deletes them.`);
      return;
    }
    await trimLedger(tools, plan, { reason: reason ?? '', patienceMillis: PATIENCE_MILLIS });
    print(`Deleted ${what} from the ledger. Windows, counts and dead letters stay.`);
  });
};

export const ledgerCommand = (command: Command): Command =>
  command.addCommand(
    new Command('trim')
      .description(
        'delete usage that is too old to be accepted again; older usage is refused from then on',
      )
      .requiredOption('--before <hour>', 'delete usage that started before this hour', hour)
      .option('--apply', 'delete; without this option nothing is changed')
      .option('--reason <text>', 'the reason, which is recorded')
      .action(trim),
  );
