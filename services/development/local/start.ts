import { constants } from 'node:os';
import { parseArgs } from 'node:util';
import { UserError } from '../../shared/process/errors.ts';
import { localPath } from '../../shared/process/local-directory.ts';
import { explain } from '../../shared/process/explain.ts';
import { STOP_SIGNALS } from '../../shared/process/stop-signals.ts';
import { onLostOutput } from '../../shared/terminal/lost-output.ts';
import { delay } from './child-process.ts';
import { runMainJob, runServices, whereToLook } from './main-job.ts';
import { openStack, type Stack } from './open-stack.ts';
import { Reporter } from './reporter.ts';
import { WHOLE_STACK, type StackParts } from './stack-parts.ts';
import { readStackPorts } from './stack-ports.ts';

const HELP = `Runs the whole pipeline on this machine, on recorded and simulated usage, until Ctrl-C.

Usage: npm start -- [options]
       npm run start:services -- [options]

  --exit-when-done        end after the summary; exit code 1 if anything does not add up
  --empty                 only start the stack: import nothing, and start no simulated provider
  --services-only         start aggregator, bridge and usage API against servers that run elsewhere (KAFKA_BROKERS,
                          CLICKHOUSE_URL), and nothing else: that is "npm run start:services"
  --commerce-mock         with it: start the mock of Commerce too, and bill there
  --simulated-providers   with it: start the simulated providers too
  --help                  show this

Settings: PORT_BASE moves all ports (20000: seven from there on; 0: free ones); or each of KAFKA_PORT (9092), CLICKHOUSE_PORT (8123),
USAGE_API_PORT (8080), COMMERCE_PORT (8081), HEALTH_PORT (9400, the first of three); KAFKA_BROKERS and CLICKHOUSE_URL use
servers that run elsewhere; see docs/operations.md for all of them, and docs/own-servers.md for TLS and logins.`;

interface Options {
  readonly exitWhenDone: boolean;
  readonly empty: boolean;
  readonly servicesOnly: boolean;
  readonly parts: StackParts;
}

const FLAGS = {
  'exit-when-done': { type: 'boolean', default: false },
  empty: { type: 'boolean', default: false },
  'services-only': { type: 'boolean', default: false },
  'commerce-mock': { type: 'boolean', default: false },
  'simulated-providers': { type: 'boolean', default: false },
  help: { type: 'boolean', default: false },
} as const;

const wrong = (problem: string): UserError =>
  new UserError(`${problem} See "npm start -- --help".`);

const parse = () => {
  try {
    return parseArgs({ options: FLAGS }).values;
  } catch (error) {
    throw wrong(error instanceof Error ? error.message : '');
  }
};

/** Null if only help is asked for. */
const options = (): Options | null => {
  const values = parse();
  if (values.help) return null;
  const servicesOnly = values['services-only'];
  const [commerce, providers] = [values['commerce-mock'], values['simulated-providers']];
  if (servicesOnly && (values.empty || values['exit-when-done'])) {
    throw wrong(
      'With --services-only nothing is imported, so --empty and --exit-when-done say nothing.',
    );
  }
  if (!servicesOnly && (commerce || providers)) {
    throw wrong(
      'Only with --services-only must --commerce-mock and --simulated-providers be asked for.',
    );
  }
  return {
    exitWhenDone: values['exit-when-done'],
    empty: values.empty,
    servicesOnly,
    parts: servicesOnly ? { servers: false, commerce, providers } : WHOLE_STACK,
  };
};

let endIsAsked = false;
const isAsked = (): boolean => endIsAsked;

/**
 * Settles with the exit code when the stack should end: on a signal, such as Ctrl-C, or when nobody reads
 * the output any more, as in `npm start | head`. Ctrl-C arrives twice, from the terminal and from npm.
 */
const asked = new Promise<number>((resolve) => {
  const ask = (exitCode: number): void => {
    endIsAsked = true;
    resolve(exitCode);
  };
  for (const signal of STOP_SIGNALS) {
    // SIGTERM is how a supervisor ends a service. The other signals interrupt a person's command.
    process.on(signal, () => ask(signal === 'SIGTERM' ? 0 : 128 + constants.signals[signal]));
  }
  onLostOutput(ask);
});

/**
 * Servers that are starting may finish their start before they are stopped, but take no longer than this.
 */
const OPENING_MILLIS = 60_000;

/**
 * Opens the stack. Null if the stack should end and is not open soon after: what was started ends with this
 * process.
 */
const open = async (parts: StackParts, reporter: Reporter): Promise<Stack | null> => {
  const opening = openStack(await readStackPorts(process.env), parts, reporter);
  try {
    const first = await Promise.race([opening, asked]);
    if (typeof first !== 'number') return first;
    reporter.note('Stopping as soon as the start is complete …');
    return await Promise.race([opening, delay(OPENING_MILLIS).then(() => null)]);
  } catch (error) {
    // Ctrl-C also ends the commands of the start. Their failure is not worth reporting then.
    if (isAsked()) return null;
    throw error;
  }
};

const run = async (): Promise<number> => {
  const chosen = options();
  if (chosen === null) {
    console.log(HELP);
    return 0;
  }
  const reporter = new Reporter();
  const stack = await open(chosen.parts, reporter);
  if (stack === null) return asked;
  try {
    if (isAsked()) return await asked;
    const job = chosen.servicesOnly
      ? runServices(stack, reporter)
      : runMainJob(stack, reporter, { empty: chosen.empty });
    const first = await Promise.race([job, asked, stack.broken]);
    if (typeof first === 'number') return first;
    if (chosen.exitWhenDone) return first ? 0 : 1;
    reporter.note(whereToLook(stack));
    reporter.note(
      chosen.servicesOnly
        ? `The services go on. Ctrl-C stops them; their logs are in ${localPath('logs')}.`
        : `The stack goes on. Ctrl-C stops it; its data stay in ${localPath('data')}.`,
    );
    return await Promise.race([asked, stack.broken]);
  } finally {
    reporter.step('Stopping');
    await stack.close();
    reporter.done();
  }
};

run().then(
  (code) => process.exit(code),
  (error: unknown) => {
    process.stderr.write(`\n${explain(error)}\n`);
    process.exit(1);
  },
);
