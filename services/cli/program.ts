import { readFileSync } from 'node:fs';
import { Command } from 'commander';
import { inRepository } from '../shared/process/repository.ts';

/** Gives a command its arguments, options, subcommands and what it does. */
type Completes = (command: Command) => Command;

interface Listed {
  readonly description: string;
  readonly load: () => Promise<Completes>;
}

const CMDLET = 'Get-UsageAggregates';

/** PowerShell ignores the case of a cmdlet's name too. */
export const withCmdlet = (words: readonly string[]): string[] =>
  words.map((word, at) =>
    at === 0 && word.toLowerCase() === CMDLET.toLowerCase() ? CMDLET : word,
  );

/**
 * In the order of the help. A command is loaded when it is called, because each one loads its own part of
 * the code.
 */
const COMMANDS: Readonly<Record<string, Listed>> = {
  migrate: {
    description: 'create the database and bring its tables up to date',
    load: async () => (await import('./commands/migrate.ts')).migrateCommand,
  },
  provision: {
    description: 'register the live sources, create their topics, and check every topic in use',
    load: async () => (await import('./commands/provision.ts')).provisionCommand,
  },
  replay: {
    description: 'import recorded usage: a response of the usage API, saved with its request',
    load: async () => (await import('./commands/replay.ts')).replayCommand,
  },
  simulate: {
    description: 'import the simulated history of a range, or of the hours before the live ones',
    load: async () => (await import('./commands/simulate.ts')).simulateCommand,
  },
  sources: {
    description: 'the register of sources: which topic covers which reported hours',
    load: async () => (await import('./commands/sources.ts')).sourcesCommand,
  },
  subscriptions: {
    description:
      'the directory of subscriptions: which provider each one belongs to, which decides who may read its usage',
    load: async () => (await import('./commands/subscriptions.ts')).subscriptionsCommand,
  },
  resources: {
    description:
      'the simulated cloud: list, create and change resources whose usage is reported live',
    load: async () => (await import('./commands/resources.ts')).resourcesCommand,
  },
  registration: {
    description:
      "the stamp's registration with Azure: how its usage is billed, and which customers pay for which tenants",
    load: async () => (await import('./commands/registration.ts')).registrationCommand,
  },
  token: {
    description: 'make a token for the usage API of this machine, which "npm start" runs',
    load: async () => (await import('./commands/token.ts')).tokenCommand,
  },
  usage: {
    description: 'usage by reported time, from the usage API',
    load: async () => (await import('./commands/usage.ts')).usageCommand,
  },
  [CMDLET]: {
    description: "the same in the words of Azure's cmdlet",
    load: async () =>
      (await import('./commands/get-usage-aggregates.ts')).getUsageAggregatesCommand,
  },
  profile: {
    description: 'named profiles: where the usage API is, and as whom you read it',
    load: async () => (await import('./commands/profile.ts')).profileCommand,
  },
  rules: {
    description: 'the rules by which records are classified',
    load: async () => (await import('./commands/rules.ts')).rulesCommand,
  },
  epoch: {
    description: 'the epochs of a live topic',
    load: async () => (await import('./commands/epoch.ts')).epochCommand,
  },
  loss: {
    description:
      'records that were lost, or cannot be read, before they were counted: a partition halts there',
    load: async () => (await import('./commands/loss.ts')).lossCommand,
  },
  adjust: {
    description:
      'correct usage that was reported wrongly: take some of it back, or add to it, with a reason. It counts in the reported hour that is open; no closed hour changes',
    load: async () => (await import('./commands/adjust.ts')).adjustCommand,
  },
  rebuild: {
    description:
      'compare closed windows with the ledger, or all rows with the log, and correct what differs; exit code 1 if any difference is left',
    load: async () => (await import('./commands/rebuild.ts')).rebuildCommand,
  },
  ledger: {
    description: 'the ledger of accepted events',
    load: async () => (await import('./commands/ledger.ts')).ledgerCommand,
  },
  export: {
    description:
      'write usage to files for billing systems: CSV, NDJSON or Parquet, also as FOCUS 1.2',
    load: async () => (await import('./commands/export.ts')).exportCommand,
  },
  chargeback: {
    description:
      'what the usage of a month costs, by subscription and meter: table, CSV or a page to print',
    load: async () => (await import('./commands/chargeback.ts')).chargebackCommand,
  },
  rates: {
    description: 'the price list of the view usage_costs',
    load: async () => (await import('./commands/rates.ts')).ratesCommand,
  },
  audit: {
    description:
      'recount every record of the log and compare with everything that is stored; exit code 1 if anything differs, or nothing could be recounted',
    load: async () => (await import('./commands/audit.ts')).auditCommand,
  },
  bridge: {
    description:
      'the bridge to Azure Commerce: what it does and what waits; compare the bill; release what is held, resubmit what was refused, and claim credits',
    load: async () => (await import('./commands/bridge.ts')).bridgeCommand,
  },
  status: {
    description:
      'the state of everything: services, closed hours, counted records, lag, billing; exit code 1 if something is wrong',
    load: async () => (await import('./commands/status.ts')).statusCommand,
  },
  dlq: {
    description: 'dead letters: records that were refused, and what to do about them',
    load: async () => (await import('./commands/dlq.ts')).dlqCommand,
  },
  emit: {
    description: 'report usage by hand: one usage, or a file of JSON lines',
    load: async () => (await import('./commands/emit.ts')).emitCommand,
  },
  event: {
    description:
      'what happened to an event: where it was accepted or why it was refused, its windows, its submission, and what Commerce answered',
    load: async () => (await import('./commands/event.ts')).eventCommand,
  },
  history: {
    description:
      'what people changed, in order of time: sources, epochs, rules, dead letters, adjustments, losses, restatements, trims',
    load: async () => (await import('./commands/history.ts')).historyCommand,
  },
};

/** commander puts a full stop before the reason of a parser, which goes on in lower case. */
const withColon = (error: string): string => error.replace(/(' is invalid)\. (?=[a-z])/, '$1: ');

/** Makes the help of every command show the global options, and its errors read as one sentence. */
const configure = (command: Command): void => {
  command.configureHelp({ showGlobalOptions: true });
  command.configureOutput({ outputError: (text, write) => write(withColon(text)) });
  command.commands.forEach(configure);
};

const complete = async (command: Command): Promise<void> => {
  const listed = COMMANDS[command.name()];
  if (listed === undefined) return;
  configure((await listed.load())(command));
};

/** The command of a path of names. Ends with an error if there is none. */
const find = async (program: Command, path: readonly string[]): Promise<Command> => {
  let found = program;
  for (const name of path) {
    const next = found.commands.find((command) => command.name() === name);
    if (next === undefined) program.error(`error: unknown command '${path.join(' ')}'`);
    if (found === program) await complete(next);
    found = next;
  }
  return found;
};

/** All of `usagectl`, with every command complete. */
export const completeProgram = async (): Promise<Command> => {
  const program = usagectl();
  for (const command of program.commands) await complete(command);
  return program;
};

const version = (): string =>
  (JSON.parse(readFileSync(inRepository('package.json'), 'utf8')) as { version: string }).version;

/** `usagectl`: a command is completed when it is called. */
export const usagectl = (): Command => {
  const program = new Command('usagectl')
    .description('Sets up the usage pipeline, imports history, and shows and repairs its state.')
    .addHelpText(
      'after',
      '\nKAFKA_BROKERS, CLICKHOUSE_URL and the other settings of docs/operations.md say where Kafka and ClickHouse are.\n' +
        'While "npm start" runs in this repository, settings that are not set are taken from it.',
    )
    .version(version(), '-V, --version', 'show the version')
    .showHelpAfterError()
    .configureHelp({ showGlobalOptions: true })
    .option(
      '--actor <name>',
      'the name that is recorded with changes (USAGE_ACTOR, or the system user)',
    )
    .hook('preSubcommand', (_, command) => complete(command));
  for (const [name, { description }] of Object.entries(COMMANDS)) {
    program.command(name).description(description);
  }
  // The help command of commander would show an incomplete command.
  return program.helpCommand(false).addCommand(
    new Command('help')
      .description('display help for command')
      .argument('[command...]')
      .action(async (path: readonly string[]) => {
        (await find(program, path)).outputHelp();
      }),
  );
};
