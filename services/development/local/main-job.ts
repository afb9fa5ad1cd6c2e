import { localPath } from '../../shared/process/local-directory.ts';
import { awaitLiveUsage, cloudProviders, importAndBill } from './first-run.ts';
import type { Stack } from './open-stack.ts';
import type { Reporter } from './reporter.ts';

export interface MainJobOptions {
  /** No usage except what somebody else sends. */
  readonly empty: boolean;
}

/**
 * Runs the complete pipeline: recorded and simulated usage through Kafka into windows, the operator's API,
 * and the bill. Returns true if everything adds up.
 */
export const runMainJob = async (
  stack: Stack,
  reporter: Reporter,
  options: MainJobOptions,
): Promise<boolean> => {
  await startServices(stack, reporter);
  if (options.empty) return true;
  const told = { reporter, logs: localPath('logs') };
  await importAndBill(stack.config, told);
  reporter.step(
    `Starting the providers (${cloudProviders().join(', ')}) and waiting for live usage`,
  );
  await stack.startService('providers');
  return awaitLiveUsage(stack.config, told);
};

/** Starts what runs in production, and the mock of Commerce if it belongs to the stack. */
const startServices = async (stack: Stack, reporter: Reporter): Promise<void> => {
  // The first run bills history, so the mock accepts usage of any age; it logs a line about that.
  const commerce = {
    COMMERCE_MAX_AGE_HOURS: '0',
    COMMERCE_DATA_DIR: localPath('data/commerce'),
  };
  reporter.step('Starting services');
  await Promise.all([
    stack.startService('aggregator'),
    stack.startService('usage-api'),
    ...(stack.parts.commerce ? [stack.startService('commerce', commerce)] : []),
    stack.startService('bridge'),
  ]);
  reporter.done([...stack.supervisor.pids.keys()].join(', '));
};

/** Starts the services against servers that run elsewhere. Nothing is imported, and usage is simulated only if asked for. */
export const runServices = async (stack: Stack, reporter: Reporter): Promise<true> => {
  await startServices(stack, reporter);
  if (stack.parts.providers) {
    reporter.step(`Starting the providers (${cloudProviders().join(', ')})`);
    await stack.startService('providers');
    reporter.done();
  }
  return true;
};

/** For the person at the terminal, while the stack runs. */
export const whereToLook = ({ config, parts, usageApiCa }: Stack): string =>
  [
    `Usage API     ${config.USAGE_API_URL}`,
    ...(usageApiCa === null ? [] : [`  trust       ${usageApiCa}`]),
    '  sign in     npx usagectl token',
    ...(parts.commerce ? [`Bill          ${config.COMMERCE_URL}/portal`] : []),
    'Progress      npx usagectl status, npx usagectl bridge status',
    ...(parts.servers
      ? [
          'Usage         npx usagectl usage get --provisional --granularity hourly',
          'Try           docs/simulated-cloud.md: create a machine, see its usage and its bill',
        ]
      : []),
  ].join('\n');
