import type { ClickHouseClient } from '@clickhouse/client';
import { readFile } from 'node:fs/promises';
import { readBillingCounts } from '../../shared/billing/billing-counts.ts';
import { queryRows } from '../../shared/clickhouse/client.ts';
import { dimensionNames } from '../../shared/meters/dimension-names.ts';
import { readMeterCatalog } from '../../shared/meters/meter-catalog.ts';
import {
  parseEnvironment,
  type ClickHouseConfig,
  type CommerceConfig,
} from '../../shared/process/config.ts';
import { inRepository } from '../../shared/process/repository.ts';
import { firstProcessing, readCoverage } from '../../shared/sources/coverage.ts';
import { addMissingSubscriptions } from '../../operations/subscriptions/change-directory.ts';
import { readSubscriptionFile } from '../../operations/subscriptions/subscription-file.ts';
import { withClickHouse } from '../../operations/sources/source-tools.ts';
import { providerNamesSettings } from '../simulated-cloud/provider-names.ts';
import { delay } from './child-process.ts';
import type { Reporter } from './reporter.ts';
import { runUsagectl } from './run-usagectl.ts';
import { discrepancies, formatSummary, readSummary, verdictOf } from './summary.ts';

const SAMPLE = 'samples/recorded-usage.json';
const SUBSCRIPTIONS = 'samples/azurestack-user-subscriptions.json';

type Config = ClickHouseConfig & CommerceConfig & { readonly PROVIDER_SUBSCRIPTION_ID: string };

/** Whom a run tells how far it is. */
interface Told {
  readonly reporter: Reporter;
  /** Where the services' logs are, for messages. */
  readonly logs: string;
}

/** Imports recorded and simulated usage, and waits until all of it is billed. */
export const importAndBill = async (config: Config, told: Told): Promise<void> => {
  await loadDirectory(config, told.reporter);
  await importHistory(told.reporter);
  await withClickHouse(config, (client) => waitForBill(client, told));
};

/** The simulated providers that the settings name. */
export const cloudProviders = (): readonly string[] =>
  parseEnvironment(providerNamesSettings).CLOUD_PROVIDERS;

/** Waits for live usage of all providers, and shows what the first run did. Returns true if everything adds up. */
export const awaitLiveUsage = (config: Config, told: Told): Promise<boolean> =>
  withClickHouse(config, async (client) => {
    const wanted = cloudProviders().length;
    await waitWithProgress(told, 'events', async () => {
      const { providers, events } = await liveAccepted(client);
      return { done: providers >= wanted, progress: events };
    });
    told.reporter.done();
    return summarize(client, config, told);
  });

/** Entries that a person has changed since the first start stay as they are. */
const loadDirectory = async (config: Config, reporter: Reporter): Promise<void> => {
  reporter.step(`Loading ${SUBSCRIPTIONS}`);
  const text = await readFile(inRepository(SUBSCRIPTIONS), 'utf8');
  const given = readSubscriptionFile(SUBSCRIPTIONS, text);
  const how = { origin: SUBSCRIPTIONS, defaultProvider: config.PROVIDER_SUBSCRIPTION_ID };
  const { added, unchanged } = await withClickHouse(config, (client) =>
    addMissingSubscriptions(client, given, how),
  );
  reporter.done(`${String(added)} new, ${String(unchanged)} were there`);
};

const importHistory = async (reporter: Reporter): Promise<void> => {
  reporter.step(`Replaying ${SAMPLE}`);
  reporter.done(`\n  ${await runUsagectl('replay', SAMPLE)}`);
  reporter.step('Simulating a week');
  reporter.done(`\n  ${await runUsagectl('simulate', '--hours', '168')}`);
};

const POLL_MILLIS = 100;
/** After this long without progress, a note says where to look. */
const PATIENCE_MILLIS = 20_000;

/** Waits until every hour of history is closed, composed and accepted. */
const waitForBill = async (client: ClickHouseClient, { reporter, logs }: Told): Promise<void> => {
  reporter.step('Waiting until every hour of history is closed');
  await waitWithProgress({ reporter, logs }, 'records', async () => {
    const coverage = await readCoverage(client);
    const end = coverage.firstLiveHour;
    const open = end === null ? null : firstProcessing(coverage, 0 as typeof end, end);
    return { done: open === null, progress: await stored(client) };
  });
  reporter.step('Waiting until all of it is billed');
  await waitWithProgress({ reporter, logs }, 'submissions', async () => {
    // In this order: what is composed between the two counts as pending, not as nothing.
    const open = await notComposed(client);
    const counts = await readBillingCounts(client);
    return {
      done: open === 0 && counts.pending === 0,
      progress: counts.submissions - counts.pending,
    };
  });
  reporter.done();
};

const waitWithProgress = async (
  { reporter, logs }: Told,
  unit: string,
  observe: () => Promise<{ readonly done: boolean; readonly progress: number }>,
): Promise<void> => {
  let last = { progress: -1, at: Date.now() };
  for (;;) {
    const { done, progress } = await observe();
    if (done) return;
    if (progress !== last.progress) last = { progress, at: Date.now() };
    else if (Date.now() - last.at > PATIENCE_MILLIS) {
      reporter.note(`  No progress for a while. The services' logs: ${logs}.`);
      last = { progress, at: Date.now() };
    }
    reporter.progress(progress, unit);
    await delay(POLL_MILLIS);
  }
};

const numberOf = async (client: ClickHouseClient, query: string): Promise<number> => {
  const [row] = await queryRows<{ n: string }>(client, query);
  return Number(row?.n ?? 0);
};

const stored = (client: ClickHouseClient): Promise<number> =>
  numberOf(client, 'SELECT toString(sum(next_offset)) AS n FROM checkpoints FINAL');

/** The live sources whose usage has arrived, and how much of it. */
const liveAccepted = async (
  client: ClickHouseClient,
): Promise<{ readonly providers: number; readonly events: number }> => {
  const [row] = await queryRows<{ providers: string; events: string }>(
    client,
    `SELECT toString(uniqExact(topic)) AS providers, toString(sum(accepted)) AS events
     FROM checkpoints FINAL
     WHERE accepted > 0 AND topic IN (SELECT topic FROM sources FINAL WHERE kind = 'live')`,
  );
  return { providers: Number(row?.providers ?? 0), events: Number(row?.events ?? 0) };
};

/** Partitions of billable history whose last hour is not composed yet. */
const notComposed = (client: ClickHouseClient): Promise<number> =>
  numberOf(
    client,
    `SELECT toString(count()) AS n FROM (
       SELECT topic, epoch, s.last_hour AS last_hour, arrayJoin(range(s.partitions)) AS p
       FROM sources AS s FINAL WHERE kind = 'history' AND state = 'sealed' AND billable
     ) AS wanted
     LEFT ANTI JOIN (SELECT * FROM compositions FINAL) AS c
       ON c.topic = wanted.topic AND c.epoch = wanted.epoch AND c.partition = wanted.p
       AND c.reported_hour = wanted.last_hour`,
  );

const summarize = async (
  client: ClickHouseClient,
  config: Config,
  { reporter, logs }: Told,
): Promise<boolean> => {
  const names = dimensionNames(readMeterCatalog());
  const summary = await readSummary(client, config);
  const found = discrepancies(summary);
  reporter.note(`\n${formatSummary(summary, names)}\n`);
  for (const problem of found) reporter.note(`DOES NOT ADD UP: ${problem}`);
  const { seconds } = reporter;
  reporter.note(`${verdictOf(summary, found, { seconds, logs })}\n`);
  return found.length === 0;
};
