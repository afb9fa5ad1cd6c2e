import { Command, InvalidArgumentError } from 'commander';
import { UserError } from '../../shared/errors.ts';
import { readProgress } from '../../shared/sources/coverage.ts';
import {
  readSources,
  recordOperation,
  type RegisteredSource,
} from '../../shared/sources/register.ts';
import { ledgerFloor } from '../../shared/sources/trim-ledger.ts';
import { newestLife } from '../../shared/source.ts';
import { withClickHouse } from '../../shared/sources/source-tools.ts';
import { formatTable } from '../../shared/terminal/table.ts';
import { dayOf, isoText, millis, nextHour, type Hour } from '../../shared/time.ts';
import { print, printJson } from '../print.ts';
import { readDifferences, type HourRange, type WindowDifference } from '../rebuild/recount.ts';
import { restate } from '../rebuild/restate.ts';
import { lookConfig } from '../settings.ts';

const SHOWN = 20;

const hour = (text: string): Hour => {
  const time = Date.parse(text);
  if (!Number.isNaN(time) && time % 1000 === 0) return time as Hour;
  throw new InvalidArgumentError('it must be an hour such as 2026-02-03T04:00:00Z');
};

interface Options {
  readonly from: Hour;
  readonly to: Hour;
  readonly epoch?: string;
  readonly apply?: boolean;
  readonly reason?: string;
  readonly json?: boolean;
}

const findSource = (
  sources: readonly RegisteredSource[],
  topic: string,
  epoch: number | null,
): RegisteredSource => {
  const found =
    epoch === null
      ? newestLife(sources, topic)
      : sources.find((source) => source.topic === topic && source.epoch === epoch);
  if (found) return found;
  throw new UserError(`There is no such source: see "usagectl sources list"`);
};

const table = (differences: readonly WindowDifference[]): string =>
  formatTable(
    ['PARTITION', 'REPORTED HOUR', 'USAGE HOUR', 'METER', 'RESOURCE', 'ROW', 'LEDGER'],
    differences
      .slice(0, SHOWN)
      .map((each) => [
        each.partition,
        isoText(millis(each.reportedHour)),
        isoText(millis(each.usageHour)),
        each.meterKey,
        each.resourceKey,
        each.rowQuantity ?? 'none',
        each.ledgerQuantity ?? 'none',
      ]),
  );

const rebuild = async (topic: string, options: Options): Promise<void> => {
  const { from, to, apply, reason, json } = options;
  if (apply && !reason) throw new UserError('A restatement is recorded: say why, with --reason');
  await withClickHouse(lookConfig(), async (client) => {
    const epoch = options.epoch === undefined ? null : Number(options.epoch);
    const source = findSource(await readSources(client), topic, epoch);
    const floor = await ledgerFloor(client);
    const range: HourRange = { topic, epoch: source.epoch, from, to, floor };
    const closed = (await readProgress(client))
      .filter((each) => each.topic === topic && each.epoch === source.epoch)
      .map(({ closedThrough, sealed }) => (sealed ? Infinity : closedThrough));
    const dayEnd = dayOf(to, source.hourMillis) + source.hourMillis * 24;
    if (closed.length < source.partitions || Math.min(...closed) < dayEnd) {
      throw new UserError(
        `The day of ${isoText(to)} is not closed on every partition of ${topic}: its rows are still the aggregator's to write. ` +
          'Give an earlier --to, or wait for the end of the day',
      );
    }
    const differences = await readDifferences(client, range);
    if (json) printJson(differences);
    else if (differences.length > 0) print(table(differences));
    const until = isoText(nextHour(to, source.hourMillis));
    const hours = `${topic}, reported hours ${isoText(from)} to ${until}`;
    if (differences.length === 0) {
      if (!json) print(`Every window is what the ledger gives: ${hours}.`);
      return;
    }
    if (!apply) {
      if (!json) {
        print(
          `\n${String(differences.length)} windows differ: ${hours}. Nothing was changed; --apply restates them.`,
        );
      }
      return;
    }
    const actor = process.env['USER'] ?? 'unknown';
    const done = await restate(client, range, {
      hourMillis: source.hourMillis,
      actor,
      reason: reason ?? '',
    });
    await recordOperation(client, {
      kind: 'restated',
      subject: topic,
      detail: { ...done, from, to, reason },
    });
    if (!json) {
      print(
        `\nRestated ${String(done.windows)} windows of ${String(done.hours.length)} hours, generation ${String(done.generation)}. ` +
          'What was billed stays as it was: compare with "usagectl audit" and the billing page.',
      );
    }
  });
};

export const rebuildCommand = (): Command =>
  new Command('rebuild')
    .description('hold closed windows against the ledger, and restate those that differ')
    .argument('<topic>', 'a source, as "sources list" shows it')
    .requiredOption('--from <hour>', 'first reported hour', hour)
    .requiredOption('--to <hour>', 'last reported hour, itself included', hour)
    .option('--epoch <n>', 'which life of the topic (the last)')
    .option('--apply', 'write the corrected rows; without it nothing is changed')
    .option('--reason <text>', 'why: it is recorded')
    .option('--json', 'the differences as JSON')
    .action(rebuild);
