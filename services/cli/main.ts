import { Command } from 'commander';
import { UserError } from '../shared/process/errors.ts';
import { actorName } from '../shared/sources/actor.ts';
import { explain } from '../shared/process/lifecycle.ts';
import { auditCommand } from './commands/audit.ts';
import { epochCommand } from './commands/epoch.ts';
import { dlqCommand } from './commands/dlq.ts';
import { historyCommand } from './commands/history.ts';
import { ledgerCommand } from './commands/ledger.ts';
import { lossCommand } from './commands/loss.ts';
import { migrateCommand } from './commands/migrate.ts';
import { provisionCommand } from './commands/provision.ts';
import { rebuildCommand } from './commands/rebuild.ts';
import { reconcileCommand } from './commands/reconcile.ts';
import { replayCommand } from './commands/replay.ts';
import { rulesCommand } from './commands/rules.ts';
import { simulateCommand } from './commands/simulate.ts';
import { sourcesCommand } from './commands/sources.ts';
import { statusCommand } from './commands/status.ts';
import { loadStackEnvironment } from './stack-environment.ts';

loadStackEnvironment();

const program = new Command('usagectl')
  .description('Works with the usage pipeline: sets it up, imports history, shows how far it is.')
  .addHelpText(
    'after',
    '\nWhere Kafka and ClickHouse are: KAFKA_BROKERS, CLICKHOUSE_URL and the other settings of docs/operations.md.\n' +
      'While "npm start" runs in this repository, its own are used where none are set.',
  )
  .showHelpAfterError()
  .addCommand(migrateCommand())
  .addCommand(provisionCommand())
  .addCommand(replayCommand())
  .addCommand(simulateCommand())
  .addCommand(sourcesCommand())
  .addCommand(rulesCommand())
  .addCommand(epochCommand())
  .addCommand(lossCommand())
  .addCommand(rebuildCommand())
  .addCommand(ledgerCommand())
  .addCommand(auditCommand())
  .addCommand(reconcileCommand())
  .addCommand(statusCommand())
  .addCommand(dlqCommand())
  .addCommand(historyCommand())
  .option(
    '--actor <name>',
    'who does it, for what is recorded (USAGE_ACTOR, or the user of the system)',
  )
  .hook('preAction', (root) => {
    const { actor } = root.opts<{ actor?: string }>();
    if (actor !== undefined) process.env['USAGE_ACTOR'] = actor;
    actorName(); // a name that cannot be recorded is refused before anything is done
  });

/** Every command tells of the options that all of them take. */
const showGlobalOptions = (command: Command): void => {
  command.configureHelp({ showGlobalOptions: true });
  command.commands.forEach(showGlobalOptions);
};
showGlobalOptions(program);

try {
  await program.parseAsync();
} catch (error) {
  process.stderr.write(`usagectl: ${explain(error)}\n`);
  // 2 for a defect: scripts can tell it from a refusal.
  process.exitCode = error instanceof UserError ? 1 : 2;
}
