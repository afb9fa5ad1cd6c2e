import { Command } from 'commander';

/** Gives a command its arguments, options, subcommands and what it does. */
type Completes = (command: Command) => Command;

interface Listed {
  readonly description: string;
  readonly load: () => Promise<Completes>;
}

/** In the order of the help. Loaded when it is called, since each brings its own part of the house. */
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
    description: 'import a simulated past that ends where the live hours begin',
    load: async () => (await import('./commands/simulate.ts')).simulateCommand,
  },
  sources: {
    description: 'the register of sources: which topic covers which reported hours',
    load: async () => (await import('./commands/sources.ts')).sourcesCommand,
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
      'records that are gone, or cannot be read, before they were counted: there a partition halts',
    load: async () => (await import('./commands/loss.ts')).lossCommand,
  },
  rebuild: {
    description:
      'compare closed windows with the ledger, or everything with the log, and correct what differs; exit code 1 if any difference is left',
    load: async () => (await import('./commands/rebuild.ts')).rebuildCommand,
  },
  ledger: {
    description: 'the ledger of accepted events',
    load: async () => (await import('./commands/ledger.ts')).ledgerCommand,
  },
  audit: {
    description:
      'recount every record of the log and compare with all that is stored; exit code 1 where anything differs, or nothing could be recounted',
    load: async () => (await import('./commands/audit.ts')).auditCommand,
  },
  reconcile: {
    description:
      'compare what the windows say is billable with what was submitted and what Commerce accepted; exit code 1 where anything differs or could not be asked',
    load: async () => (await import('./commands/reconcile.ts')).reconcileCommand,
  },
  status: {
    description:
      'how far everything is: services, hours closed, records counted, lag, billing; exit code 1 where something is wrong',
    load: async () => (await import('./commands/status.ts')).statusCommand,
  },
  dlq: {
    description: 'dead letters: records that were refused, and what to do about them',
    load: async () => (await import('./commands/dlq.ts')).dlqCommand,
  },
  history: {
    description:
      'what people changed, in order of time: sources, epochs, rules, dead letters, losses, restatements, trims',
    load: async () => (await import('./commands/history.ts')).historyCommand,
  },
};

/** Every command tells of the options that all of them take. */
const showGlobalOptions = (command: Command): void => {
  command.configureHelp({ showGlobalOptions: true });
  command.commands.forEach(showGlobalOptions);
};

const complete = async (command: Command): Promise<void> => {
  const listed = COMMANDS[command.name()];
  if (listed === undefined) return;
  showGlobalOptions((await listed.load())(command));
};

/** The command of such a path; ends with an error where there is none. */
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

/** The whole of `usagectl`, every command complete. */
export const completeProgram = async (): Promise<Command> => {
  const program = usagectl();
  for (const command of program.commands) await complete(command);
  return program;
};

/** `usagectl`: a command is completed when it is called. */
export const usagectl = (): Command => {
  const program = new Command('usagectl')
    .description('Works with the usage pipeline: sets it up, imports history, shows how far it is.')
    .addHelpText(
      'after',
      '\nWhere Kafka and ClickHouse are: KAFKA_BROKERS, CLICKHOUSE_URL and the other settings of docs/operations.md.\n' +
        'While "npm start" runs in this repository, its own are used where none are set.',
    )
    .showHelpAfterError()
    .configureHelp({ showGlobalOptions: true })
    .option(
      '--actor <name>',
      'who does it, for what is recorded (USAGE_ACTOR, or the user of the system)',
    )
    .hook('preSubcommand', (_, command) => complete(command));
  for (const [name, { description }] of Object.entries(COMMANDS)) {
    program.command(name).description(description);
  }
  // The one of commander would show a command that is not complete.
  return program.helpCommand(false).addCommand(
    new Command('help')
      .description('display help for command')
      .argument('[command...]')
      .action(async (path: readonly string[]) => {
        (await find(program, path)).outputHelp();
      }),
  );
};
