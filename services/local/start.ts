import { parseArgs } from 'node:util';
import { parseEnvironment, wholeNumber } from '../shared/config.ts';
import { UserError } from '../shared/errors.ts';
import { explain } from '../shared/lifecycle.ts';
import { runMainJob } from './main-job.ts';
import { openStack } from './open-stack.ts';
import { Reporter } from './reporter.ts';

const HELP = `Runs the whole pipeline on this machine, on recorded and simulated usage, until Ctrl-C.

Usage: npm start -- [options]

  --exit-when-done   end after the summary; exit code 1 if anything does not add up
  --empty            start the stack with no data
  --help             show this

Settings: KAFKA_PORT (9092), CLICKHOUSE_PORT (8123), USAGE_API_PORT (8080), COMMERCE_PORT (8081); KAFKA_BROKERS and CLICKHOUSE_URL use servers that
run elsewhere; see docs/operations.md for all of them.`;

const settings = {
  KAFKA_PORT: wholeNumber(9092, 0, 65_535),
  CLICKHOUSE_PORT: wholeNumber(8123, 0, 65_535),
  USAGE_API_PORT: wholeNumber(8080, 1, 65_535),
  COMMERCE_PORT: wholeNumber(8081, 1, 65_535),
};

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
  const ports = parseEnvironment(settings);
  const stack = await openStack(ports, reporter);
  try {
    const job = runMainJob(stack, reporter, {
      empty: chosen.empty,
      usageApiPort: ports.USAGE_API_PORT,
      commercePort: ports.COMMERCE_PORT,
    });
    const first = await Promise.race([job, asked, stack.broken]);
    if (first === 'asked') return 0;
    if (chosen.exitWhenDone) return first ? 0 : 1;
    reporter.note('The stack goes on. Ctrl-C stops it; its data stay in .local/data.');
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
