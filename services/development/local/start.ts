import { constants } from 'node:os';
import { parseArgs } from 'node:util';
import { UserError } from '../../shared/process/errors.ts';
import { localPath } from '../../shared/process/local-directory.ts';
import { explain } from '../../shared/process/explain.ts';
import { STOP_SIGNALS } from '../../shared/process/stop-signals.ts';
import { onLostOutput } from '../../shared/terminal/lost-output.ts';
import { delay } from './child-process.ts';
import { runMainJob, whereToLook } from './main-job.ts';
import { openStack, type Stack } from './open-stack.ts';
import { Reporter } from './reporter.ts';
import { readStackPorts } from './stack-ports.ts';

const HELP = `Runs the whole pipeline on this machine, on recorded and simulated usage, until Ctrl-C.

Usage: npm start -- [options]

  --exit-when-done   end after the summary; exit code 1 if anything does not add up
  --empty            only start the stack: import nothing, and start no simulated provider
  --help             show this

Settings: PORT_BASE moves all ports (20000: seven from there on; 0: free ones); or each of KAFKA_PORT (9092), CLICKHOUSE_PORT (8123),
USAGE_API_PORT (8080), COMMERCE_PORT (8081), HEALTH_PORT (9400, the first of three); KAFKA_BROKERS and CLICKHOUSE_URL use
servers that run elsewhere; see docs/operations.md for all of them.`;

const options = (): { readonly exitWhenDone: boolean; readonly empty: boolean } | null => {
  try {
    const { values } = parseArgs({
      options: {
        'exit-when-done': { type: 'boolean', default: false },
        empty: { type: 'boolean', default: false },
        help: { type: 'boolean', default: false },
      },
    });
    if (values.help) return null;
    return { exitWhenDone: values['exit-when-done'], empty: values.empty };
  } catch (error) {
    throw new UserError(
      `${error instanceof Error ? error.message : ''} See "npm start -- --help".`,
    );
  }
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
const open = async (reporter: Reporter): Promise<Stack | null> => {
  const opening = openStack(await readStackPorts(process.env), reporter);
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
  const stack = await open(reporter);
  if (stack === null) return asked;
  try {
    if (isAsked()) return await asked;
    const job = runMainJob(stack, reporter, { empty: chosen.empty });
    const first = await Promise.race([job, asked, stack.broken]);
    if (typeof first === 'number') return first;
    if (chosen.exitWhenDone) return first ? 0 : 1;
    reporter.note(whereToLook(stack));
    reporter.note(`The stack goes on. Ctrl-C stops it; its data stay in ${localPath('data')}.`);
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
