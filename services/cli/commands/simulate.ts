import { Option, type Command } from 'commander';
import { coveredHours } from '../../shared/model/source.ts';
import { simulatedSubscriptions } from '../../development/simulated-cloud/subscriptions.ts';
import { simulatedHistory, type SimulatedPast } from '../../development/simulated-cloud/history.ts';
import {
  beginHistory,
  writeHistory,
  type HistoricalEvent,
} from '../../operations/history-runs/history-run.ts';
import { readSources, type RegisteredSource } from '../../shared/sources/register.ts';
import type { SourceTools } from '../../shared/sources/source-opening.ts';
import { addMissingSubscriptions } from '../../operations/subscriptions/change-directory.ts';
import { withSourceTools } from '../../operations/sources/source-tools.ts';
import { UserError } from '../../shared/process/errors.ts';
import { hourOf, isoText, millis, type Hour, type Millis } from '../../shared/model/time.ts';
import { print, progressLine } from '../print.ts';
import { readSimulationConfig } from '../settings.ts';
import { checkHours, EMPTY_RANGE, hour } from '../time-option.ts';
import { wholeNumber } from '../whole-number.ts';

const PARTITIONS = 2;
const DEFAULT_HOURS = 24;
const MAX_HOURS = 24 * 366;

interface Options {
  readonly from?: Hour;
  readonly to?: Hour;
  readonly hours?: number;
  readonly subscriptions?: number;
  readonly seed?: number;
  readonly billable: boolean;
}

const simulate = async (options: Options): Promise<void> => {
  const config = readSimulationConfig();
  const hourMillis = config.USAGE_HOUR_MILLIS;
  checkHours({ '--from': options.from, '--to': options.to }, hourMillis);
  const seed = options.seed ?? config.CLOUD_SEED;
  const subscriptions = options.subscriptions ?? config.CLOUD_SUBSCRIPTIONS;
  await withSourceTools(config, async (tools) => {
    const begins = await liveHoursBegin(tools, hourMillis);
    const { from, to } = rangeOf(options, begins, hourMillis);
    const operator = config.PROVIDER_SUBSCRIPTION_ID;
    const past = { seed, subscriptions, operator, hourMillis, ...hoursOf(from, to, hourMillis) };
    const origin = `simulated:${String(seed)}:${String(subscriptions)}:${isoText(from)}:${isoText(to)}`;
    const begun = await beginHistory(
      tools,
      { origin, ...past, partitions: PARTITIONS, billable: options.billable },
      config.USAGE_TOPIC_PREFIX,
    );
    await addMissingSubscriptions(tools.clickHouse, simulatedSubscriptions(past, operator), {
      origin,
      defaultProvider: operator,
    });
    const covered = coveredHours(begun.source);
    if (begun.kind === 'already-imported') {
      print(`This simulation is already imported: reported hours ${covered}. Nothing was added.`);
      return;
    }
    if (begun.resumed) print('Continuing an interrupted simulation.');
    const events = await write(tools, begun.source, past);
    print(
      `Simulated ${String(subscriptions)} subscriptions: ${events.toLocaleString('en')} events, reported hours ${covered}.`,
    );
    if (to < begins) {
      print(
        `No source covers the reported hours from ${isoText(to)} to ${isoText(begins)}, where the live hours begin.`,
      );
    } else if (seed !== config.CLOUD_SEED || subscriptions !== config.CLOUD_SUBSCRIPTIONS) {
      print(
        'The live providers simulate another cloud. To go on with this one, start them with ' +
          `CLOUD_SEED=${String(seed)} CLOUD_SUBSCRIPTIONS=${String(subscriptions)}.`,
      );
    }
  });
};

/** The first live hour, or the present hour if there are no live sources. */
const liveHoursBegin = async ({ clickHouse }: SourceTools, hourMillis: number): Promise<Hour> => {
  const live = (await readSources(clickHouse)).filter(({ kind }) => kind === 'live');
  return live.length > 0
    ? (Math.min(...live.map(({ firstHour }) => firstHour)) as Hour)
    : hourOf(millis(Date.now()), hourMillis);
};

interface Range {
  readonly from: Hour;
  /** Exclusive. */
  readonly to: Hour;
}

/** History ends where the live hours begin if nothing else is said, so that there is no gap between them. */
const rangeOf = (options: Options, liveBegin: Hour, hourMillis: number): Range => {
  const { to = liveBegin, hours = DEFAULT_HOURS } = options;
  const { from = (to - hours * hourMillis) as Hour } = options;
  if (from >= to) throw new UserError(EMPTY_RANGE);
  const count = (to - from) / hourMillis;
  if (count > MAX_HOURS) {
    throw new UserError(
      `--from and --to are ${count.toLocaleString('en')} hours apart: simulate at most ${MAX_HOURS.toLocaleString('en')} at once`,
    );
  }
  return { from, to };
};

const hoursOf = (from: Hour, to: Hour, hourMillis: number) => ({
  firstHour: from,
  lastHour: (to - hourMillis) as Hour,
});

/** Returns the number of events. */
const write = async (
  tools: SourceTools,
  source: RegisteredSource,
  past: SimulatedPast,
): Promise<number> => {
  const { firstHour, lastHour, hourMillis } = past;
  const line = progressLine();
  const all = (lastHour - firstHour) / hourMillis + 1;
  let events = 0;
  let reached: Millis = firstHour;
  const watched = function* (): Generator<HistoricalEvent> {
    for (const each of simulatedHistory(past)) {
      reached = each.reportedTime;
      yield each;
    }
  };
  await writeHistory(tools, source, watched(), (done) => {
    events = done;
    line.show(() => {
      const hours = Math.floor((reached - firstHour) / hourMillis);
      return `Reported hours: ${String(hours)} of ${String(all)}. Events acknowledged: ${done.toLocaleString('en')}`;
    });
  });
  line.end();
  return events;
};

export const simulateCommand = (command: Command): Command =>
  command
    .option('--from <hour>', 'the first reported hour', hour)
    .option('--to <hour>', 'before this reported hour (default: where the live hours begin)', hour)
    .addOption(
      new Option(
        '--hours <n>',
        `instead of --from: the number of hours (default: ${String(DEFAULT_HOURS)})`,
      )
        .argParser(wholeNumber(1, MAX_HOURS))
        .conflicts('from'),
    )
    .option(
      '--subscriptions <n>',
      'the number of subscriptions (default: CLOUD_SUBSCRIPTIONS)',
      wholeNumber(1, 10_000),
    )
    .option(
      '--seed <n>',
      'the seed: another seed gives another cloud (default: CLOUD_SEED)',
      wholeNumber(0, 2 ** 31),
    )
    .option('--no-billable', 'count this usage but never send it to Commerce')
    .action(simulate);
