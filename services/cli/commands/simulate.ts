import type { Command } from 'commander';
import { coveredHours } from '../../shared/model/source.ts';
import { simulatedCloud } from '../../development/simulated-cloud/cloud.ts';
import { simulatedSubscriptions } from '../../development/simulated-cloud/subscriptions.ts';
import { simulatedHistory } from '../../development/simulated-cloud/history.ts';
import { beginHistory, writeHistory } from '../../operations/history-runs/history-run.ts';
import { readSources } from '../../shared/sources/register.ts';
import { addMissingSubscriptions } from '../../operations/subscriptions/change-directory.ts';
import { withSourceTools } from '../../operations/sources/source-tools.ts';
import { hourOf, isoText, millis, type Hour } from '../../shared/model/time.ts';
import { print, progress } from '../print.ts';
import { readChangeConfig } from '../settings.ts';
import { wholeNumber } from '../whole-number.ts';

const PARTITIONS = 2;

interface Options {
  readonly hours: number;
  readonly tenants: number;
  readonly seed: number;
  readonly billable: boolean;
}

const simulate = async ({ hours, tenants, seed, billable }: Options): Promise<void> => {
  const config = readChangeConfig();
  const hourMillis = config.USAGE_HOUR_MILLIS;
  await withSourceTools(config, async (tools) => {
    const live = (await readSources(tools.clickHouse)).filter(({ kind }) => kind === 'live');
    // History ends where the live hours begin, so that there is no gap between them.
    const end =
      live.length > 0
        ? Math.min(...live.map(({ firstHour }) => firstHour))
        : hourOf(millis(Date.now()), hourMillis);
    const firstHour = (end - hours * hourMillis) as Hour;
    const lastHour = (end - hourMillis) as Hour;
    const origin = `simulated:${String(seed)}:${String(tenants)}:${isoText(firstHour)}:${String(hours)}`;
    const begun = await beginHistory(
      tools,
      { origin, firstHour, lastHour, hourMillis, partitions: PARTITIONS, billable },
      config.USAGE_TOPIC_PREFIX,
    );
    await addMissingSubscriptions(
      tools.clickHouse,
      simulatedSubscriptions({ seed, tenants }, config.PROVIDER_SUBSCRIPTION_ID),
      { origin, defaultProvider: config.PROVIDER_SUBSCRIPTION_ID },
    );
    const covered = coveredHours(begun.source);
    if (begun.kind === 'already-imported') {
      print(`This simulation is already imported: reported hours ${covered}. Nothing was added.`);
      return;
    }
    const shown = progress('Events acknowledged:');
    let events = 0;
    const history = simulatedHistory(
      simulatedCloud({ seed, tenants }),
      firstHour,
      lastHour,
      hourMillis,
    );
    await writeHistory(tools, begun.source, history, (done) => {
      events = done;
      shown.at(done);
    });
    shown.end();
    print(
      `Simulated ${String(tenants)} tenants: ${String(events)} events, reported hours ${covered}.`,
    );
  });
};

export const simulateCommand = (command: Command): Command =>
  command
    .option('--hours <n>', 'the number of hours', wholeNumber(1, 24 * 366), 24)
    .option('--tenants <n>', 'the number of tenants', wholeNumber(1, 10_000), 8)
    .option('--seed <n>', 'the seed: another seed gives another cloud', wholeNumber(0, 2 ** 31), 1)
    .option('--no-billable', 'count this usage but never send it to Commerce')
    .action(simulate);
