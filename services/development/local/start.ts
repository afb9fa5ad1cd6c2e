import { parseArgs } from 'node:util';
import { UserError } from '../../shared/process/errors.ts';
import { localPath } from '../../shared/process/local-directory.ts';
import { explain } from '../../shared/process/explain.ts';
import { runMainJob, whereToLook } from './main-job.ts';
import { openStack } from './open-stack.ts';
import { Reporter } from './reporter.ts';
import { readStackPorts } from './stack-ports.ts';

const HELP = `Runs the whole pipeline on this machine, on recorded and simulated usage, until Ctrl-C.

Usage: npm start -- [options]

  --exit-when-done   end after the summary; exit code 1 if anything does not add up
  --empty            only start the stack: import nothing, and start no emitter
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

/** Settles when the person asks for the end: Ctrl-C, or SIGTERM. */
const asked = new Promise<'asked'>((resolve) => {
  for (const signal of ['SIGINT', 'SIGTERM'] as const) {
    process.on(signal, () => resolve('asked'));
  }
});

const run = async (): Promise<number> => {
  const chosen = options();
  if (chosen === null) {
    console.log(HELP);
    return 0;
  }
  const reporter = new Reporter();
  const stack = await openStack(await readStackPorts(process.env), reporter);
  try {
    const job = runMainJob(stack, reporter, { empty: chosen.empty });
    const first = await Promise.race([job, asked, stack.broken]);
    if (first === 'asked') return 0;
    if (chosen.exitWhenDone) return first ? 0 : 1;
    reporter.note(whereToLook(stack));
    reporter.note(`The stack goes on. Ctrl-C stops it; its data stay in ${localPath('data')}.`);
    await Promise.race([asked, stack.broken]);
    return 0;
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
