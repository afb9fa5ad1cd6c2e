import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { openUsageProvider, SpoolFull, type UsageProvider } from '@usage-pipeline/provider-sdk';
import { readProgress, writeProgress } from './progress.js';
import { readSettings, type Settings } from './settings.js';
import { readVaults, usageOf, type Period } from './vaults.js';

const SPOOL_BYTES = 1024 ** 3;
const FULL_WAIT_MILLIS = 5_000;

/**
 * The loop of every provider: know how far you have reported, report what has ended since, and only then remember
 * that. What was reported and not remembered is reported again, with the same ids: it counts once.
 */
const run = async (
  settings: Settings,
  provider: UsageProvider,
  signal: AbortSignal,
): Promise<void> => {
  const { state, vaults, periodMillis } = settings;
  const file = join(state, 'reported-through');
  let through = await begin(file, periodMillis);
  while (!signal.aborted) {
    const period = { from: through, to: through + periodMillis };
    await pause(period.to - Date.now(), signal);
    if (signal.aborted || !(await report(provider, vaults, period, signal))) return;
    through = period.to;
    await writeProgress(file, { through, periodMillis });
  }
};

/** Where the process before this one got to; at the very first start, the period that runs now. */
const begin = async (file: string, periodMillis: number): Promise<number> => {
  const progress = await readProgress(file);
  if (progress === null) {
    const through = Math.floor(Date.now() / periodMillis) * periodMillis;
    await writeProgress(file, { through, periodMillis });
    return through;
  }
  if (progress.periodMillis === periodMillis) return progress.through;
  // The last period may have been sent already. In parts of another length it would count twice.
  throw new Error(
    `Usage is reported every ${String(progress.periodMillis / 1_000)} s so far: keep REPORT_SECONDS as it was`,
  );
};

/** Resolves when the usage is safe on disk. A full spool is waited for; false if the process stops before. */
const report = async (
  provider: UsageProvider,
  vaults: string,
  period: Period,
  signal: AbortSignal,
): Promise<boolean> => {
  const usage = usageOf(await readVaults(vaults), period);
  while (!signal.aborted) {
    try {
      await provider.emit(usage);
      return true;
    } catch (error) {
      // Anything else is a mistake in this program: stop, and lose nothing.
      if (!(error instanceof SpoolFull)) throw error;
      console.error(`${error.message}: waiting`);
      await pause(FULL_WAIT_MILLIS, signal);
    }
  }
  return false;
};

const pause = async (millis: number, signal: AbortSignal): Promise<void> => {
  if (millis <= 0) return;
  await sleep(millis, null, { signal }).catch((error: unknown) => {
    if (!signal.aborted) throw error;
  });
};

const main = async (): Promise<void> => {
  const settings = readSettings(process.env);
  const stopped = new AbortController();
  for (const name of ['SIGINT', 'SIGTERM'] as const) process.once(name, () => stopped.abort());
  const provider = await openUsageProvider({
    kafka: { KAFKA_BROKERS: settings.brokers },
    topic: settings.topic,
    spool: { directory: join(settings.state, 'spool'), maxBytes: SPOOL_BYTES },
  });
  console.log(`Reporting to ${settings.topic} every ${String(settings.periodMillis / 1_000)} s.`);
  try {
    await run(settings, provider, stopped.signal);
  } finally {
    // What the broker does not have after five seconds stays in the spool.
    await provider.close();
  }
};

main().catch((error: unknown) => {
  console.error(error instanceof Error ? error.message : error);
  process.exitCode = 1;
});
