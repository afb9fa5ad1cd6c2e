import {
  clickHouseSettings,
  commerceSettings,
  parseEnvironment,
  providerSettings,
} from '../../shared/process/config.ts';
import { UserError } from '../../shared/process/errors.ts';
import { explain } from '../../shared/process/explain.ts';
import { awaitLiveUsage, importAndBill } from '../local/first-run.ts';
import { Reporter } from '../local/reporter.ts';

/**
 * `first-run history`, then `first-run summary`: what `npm start` does once its services run, in containers.
 * Between the two the providers are started. Exit code 1 if anything does not add up.
 */
const run = async (part: string | undefined): Promise<boolean> => {
  const config = parseEnvironment({
    ...clickHouseSettings,
    ...commerceSettings,
    ...providerSettings,
  });
  const reporter = new Reporter();
  const told = { reporter, logs: 'docker compose logs' };
  if (part === 'history') {
    await importAndBill(config, told);
    return true;
  }
  if (part === 'summary') {
    reporter.step('Waiting for live usage');
    return awaitLiveUsage(config, told);
  }
  throw new UserError('say "first-run history" or "first-run summary"');
};

try {
  process.exitCode = (await run(process.argv[2])) ? 0 : 1;
} catch (error) {
  process.stderr.write(`first-run: ${explain(error)}\n`);
  process.exitCode = 1;
}
