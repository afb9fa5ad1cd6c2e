import type { ClickHouseClient } from '@clickhouse/client';
import type { Command } from 'commander';
import type { KafkaAdmin } from '../../shared/kafka/admin.ts';
import { foldBounds } from '../../shared/process/config.ts';
import { UserError } from '../../shared/process/errors.ts';
import { aggregatorGroup } from '../../shared/kafka/topic-names.ts';
import { coveredHours, newestEpoch } from '../../shared/model/source.ts';
import { readProgress } from '../../shared/sources/coverage.ts';
import { actorName } from '../../shared/sources/actor.ts';
import {
  readSources,
  recordOperation,
  type RegisteredSource,
} from '../../shared/sources/register.ts';
import { ledgerFloor } from '../../operations/sources/trim-ledger.ts';
import { withAdmin, withClickHouse } from '../../operations/sources/source-tools.ts';
import { dayOf, isoText, type Hour } from '../../shared/model/time.ts';
import { print, printJson, withProgress } from '../print.ts';
import { readDayDifferences, type DayDifference } from '../../operations/rebuild/days.ts';
import { checkFailed } from '../exit-code.ts';
import {
  compareWithLog,
  type FromLog,
  type FromLogOptions,
} from '../../operations/rebuild/from-log.ts';
import {
  readDifferences,
  type HourRange,
  type WindowDifference,
} from '../../operations/rebuild/window-differences.ts';
import { nextGeneration, recordHours, restate } from '../../operations/rebuild/restate.ts';
import { daysAlone } from '../../operations/rebuild/restated-windows.ts';
import { readUnwritten } from '../../operations/rebuild/unwritten-hours.ts';
import { formatRebuilt, isRight, type Rebuilt } from '../show/rebuild.ts';
import { Tally } from '../../operations/rebuild/tally.ts';
import { readViewConfig, readRepairConfig } from '../settings.ts';
import { checkHours, EMPTY_RANGE, hour, rangeText } from '../time-option.ts';

/** The most differences of a kind that are shown, and that are in the JSON. */
const SHOWN = 20;
const SHOWN_AS_JSON = 1_000;

interface Options {
  readonly from: Hour;
  readonly to: Hour;
  readonly epoch?: string;
  readonly fromLog?: boolean;
  readonly apply?: boolean;
  readonly reason?: string;
  readonly json?: boolean;
}

/** What to rebuild. */
interface Task {
  readonly client: ClickHouseClient;
  readonly source: RegisteredSource;
  readonly range: HourRange;
  readonly limit: number;
  readonly apply: boolean;
  readonly actor: string;
  readonly reason: string;
  readonly generation: number;
}

const findSource = (
  sources: readonly RegisteredSource[],
  topic: string,
  epoch: number | null,
): RegisteredSource => {
  const found =
    epoch === null
      ? newestEpoch(sources, topic)
      : sources.find((source) => source.topic === topic && source.epoch === epoch);
  if (found) return found;
  throw new UserError(`There is no such source: see "usagectl sources list"`);
};

/** @throws UserError if the range is empty, or its last day is not closed */
const taskOf = async (client: ClickHouseClient, topic: string, options: Options): Promise<Task> => {
  const { from, to, apply = false, reason = '', json } = options;
  const epoch = options.epoch === undefined ? null : Number(options.epoch);
  const source = findSource(await readSources(client), topic, epoch);
  const { hourMillis } = source;
  checkHours({ '--from': from, '--to': to }, hourMillis);
  if (from >= to) throw new UserError(EMPTY_RANGE);
  if (to <= source.firstHour || (source.lastHour !== null && from > source.lastHour)) {
    throw new UserError(
      `${topic} has no hour in this range, so there is nothing to compare: it has the reported hours ${coveredHours(source)}`,
    );
  }
  const closed = (await readProgress(client))
    .filter((each) => each.topic === topic && each.epoch === source.epoch)
    .map(({ openHour, sealed }) => (sealed ? Infinity : openHour));
  const lastHour = (to - hourMillis) as Hour;
  const dayEnd = dayOf(lastHour, hourMillis) + hourMillis * 24;
  if (closed.length < source.partitions || Math.min(...closed) < dayEnd) {
    throw new UserError(
      `The day of ${isoText(lastHour)} is not closed on every partition of ${topic}: the aggregator still writes its rows. ` +
        'Give an earlier --to, or wait for the end of the day',
    );
  }
  const range = { topic, epoch: source.epoch, from, to, floor: await ledgerFloor(client) };
  return {
    client,
    source,
    range,
    limit: json ? SHOWN_AS_JSON : SHOWN,
    apply,
    actor: actorName(),
    reason,
    generation: await nextGeneration(client, range),
  };
};

/**
 * An aggregator keeps ids in memory and would continue to judge by the old ledger. The records after its
 * checkpoint were judged by the old ledger too.
 */
const refuseRunningAggregator = async (
  admin: KafkaAdmin,
  prefix: string,
  { client, source }: Task,
): Promise<void> => {
  const own = (await readProgress(client)).filter(
    ({ topic, epoch }) => topic === source.topic && epoch === source.epoch,
  );
  if (own.every(({ sealed }) => sealed)) return; // none of its records will be judged any more
  const members = await admin.groupSize(aggregatorGroup(prefix));
  if (members === 0) return;
  throw new UserError(
    `${String(members)} ${members === 1 ? 'aggregator runs' : 'aggregators run'}, and would continue with the old ledger: ` +
      'stop them with SIGTERM, apply, and start them again. Nothing was changed',
  );
};

const compareLog = (task: Task): Promise<FromLog> => {
  const config = readRepairConfig(); // with the keys, which tell control records from forged ones
  const { client, source, range, limit, apply } = task;
  return withAdmin(config, async (admin, kafka) => {
    if (apply) await refuseRunningAggregator(admin, config.USAGE_TOPIC_PREFIX, task);
    const mend: FromLogOptions['mend'] = ({ partition }, hours) =>
      recordHours(
        client,
        range,
        hours.map((reportedHour) => ({ partition, reportedHour, windows: 0 })),
        task,
      );
    return withProgress(
      (all) => `Records recounted, of at most ${all}:`,
      (onProgress) =>
        compareWithLog(
          { clickHouse: client, kafka, admin, keyring: config.USAGE_CONTROL_KEYS },
          source,
          range,
          { limit, bounds: foldBounds(config), mend: apply ? mend : null, onProgress },
        ),
    );
  });
};

const run = async (task: Task, isFromLog: boolean): Promise<Rebuilt> => {
  const { client, source, range, limit, apply } = task;
  const unwritten = await readUnwritten(client, range);
  const fromLog = isFromLog ? await compareLog(task) : null;
  // Before the ledger is mended, windows are compared with the log; otherwise with the ledger.
  const stored = fromLog && !apply ? [] : await readDifferences(client, range);
  const ofLedger = new Tally<WindowDifference>(limit);
  ofLedger.add(stored);
  const windows = fromLog && !apply ? fromLog.windows : ofLedger;
  const { hourMillis, firstHour } = source;
  // All days of the range are added up again, also those in which no hourly row differs.
  const wrongDays = daysAlone(
    fromLog && !apply ? windows.first : stored,
    await readDayDifferences(client, range, hourMillis),
    hourMillis,
  );
  const days = new Tally<DayDifference>(limit);
  days.add(wrongDays);
  const found: Rebuilt = { fromLog, windows, days, unwritten, restated: null };
  if (!apply || isRight(found)) return found;
  const options = { ...task, hourMillis, firstHour };
  const wrong = { differences: stored, days: wrongDays, unwritten };
  const restated = await restate(client, range, wrong, options);
  const mended = fromLog && {
    ledger: fromLog.ledger.count,
    deadLetters: fromLog.deadLetters.count,
    hours: fromLog.hours,
  };
  const { from, to } = range;
  const { reason } = task;
  await recordOperation(client, {
    kind: 'restated',
    subject: range.topic,
    detail: { ...restated, from, to, reason, ...(mended && { mended }) },
  });
  return { ...found, restated };
};

const asJson = ({ fromLog, ...found }: Rebuilt): object => {
  if (fromLog === null) return found;
  const { ledger, deadLetters, hours, otherHours } = fromLog;
  return { fromLog: { ledger, deadLetters, hours, otherHours }, ...found };
};

const rebuild = async (topic: string, options: Options): Promise<void> => {
  const { from, to, apply, reason, fromLog, json } = options;
  if (apply && !reason?.trim()) {
    throw new UserError('A restatement is recorded: give the reason with --reason');
  }
  await withClickHouse(readViewConfig(), async (client) => {
    const task = await taskOf(client, topic, options);
    const found = await run(task, fromLog === true);
    if (found.restated === null && !isRight(found)) checkFailed();
    if (json) printJson(asJson(found));
    else {
      print(formatRebuilt(found, `${topic}, reported hours ${rangeText({ from, to })}`));
    }
  });
};

export const rebuildCommand = (command: Command): Command =>
  command
    .argument('<topic>', 'a source, as "sources list" shows it')
    .requiredOption('--from <hour>', 'reported hours from this one on', hour)
    .requiredOption('--to <hour>', 'up to this one, exclusive', hour)
    .option('--epoch <n>', 'which epoch of the topic (the last)')
    .option('--from-log', 'fold the log again, and compare the ledger and the dead letters with it')
    .option('--apply', 'write the right rows; without this option nothing is changed')
    .option('--reason <text>', 'the reason, which is recorded')
    .option('--json', 'print the differences as JSON')
    .addHelpText(
      'after',
      '\nWithout --from-log the ledger is trusted. With it the log is trusted: the ledger and the dead letters of the\n' +
        'hours are mended first, and then the windows by the ledger. It reads the log from its first record on, and\n' +
        'needs USAGE_CONTROL_KEYS. Stop the aggregators before you apply it. Hours that were billed are not billed again:\n' +
        '"usagectl bridge reconcile" shows the difference.',
    )
    .action(rebuild);
