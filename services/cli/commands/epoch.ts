import { Command } from 'commander';
import { UserError } from '../../shared/process/errors.ts';
import { coveredHours, partitionName } from '../../shared/model/source.ts';
import { newEpoch } from '../../operations/sources/new-epoch.ts';
import { withSourceTools } from '../../operations/sources/source-tools.ts';
import type { FoundLoss } from '../../operations/losses/find-losses.ts';
import { lookForLosses } from '../../operations/losses/look-for-losses.ts';
import { print } from '../print.ts';
import { readChangeConfig } from '../settings.ts';
import { wholeNumber } from '../whole-number.ts';

const PATIENCE_MILLIS = 120_000;

interface Options {
  readonly partitions?: number;
  readonly reason: string;
  readonly acceptLoss?: boolean;
  readonly deleteUnread?: boolean;
}

/** The partitions whose log is gone. Refused unless their loss is accepted. */
const lostLogs = async (topic: string, isAccepted: boolean): Promise<readonly FoundLoss[]> => {
  const { losses } = await lookForLosses(readChangeConfig(), topic);
  const [first] = losses;
  const expired = losses.find(({ ends }) => !ends);
  if (expired) {
    throw new UserError(
      `Not all of ${partitionName(expired)} can be folded: ${expired.why}. The remaining records must be folded first: restore the missing ones, or accept their loss with "usagectl loss accept ${topic}"; then repeat this command`,
    );
  }
  if (first === undefined || isAccepted) return losses;
  throw new UserError(
    `${partitionName(first)} cannot be folded to its end, because ${first.why}. Restore the log or, if it is gone for good, repeat this command with --accept-loss`,
  );
};

const begin = async (topic: string, options: Options): Promise<void> => {
  const { partitions, reason, acceptLoss = false, deleteUnread = false } = options;
  const losses = await lostLogs(topic, acceptLoss);
  print(
    `Sealing the current epoch of ${topic} and waiting for the aggregator to count it to its end …`,
  );
  const source = await withSourceTools(readChangeConfig(), (tools) =>
    newEpoch(tools, topic, {
      partitions: partitions ?? null,
      reason,
      patienceMillis: PATIENCE_MILLIS,
      losses,
      deleteUnread,
    }),
  );
  print(
    `Epoch ${String(source.epoch)} of ${topic} is open with ${String(source.partitions)} partitions: reported hours ${coveredHours(source)}.`,
  );
};

export const epochCommand = (command: Command): Command =>
  command.addCommand(
    new Command('new')
      .description(
        'end the current epoch of a topic and begin a new one with an empty log; the old log is deleted when it has been counted',
      )
      .argument('<topic>', 'a live topic, as "sources list" shows it')
      .option(
        '--partitions <n>',
        'the number of partitions of the new epoch (as before)',
        wholeNumber(1, 1000),
      )
      .option(
        '--accept-loss',
        'continue even if the old log is gone or was replaced: what was stored of it stays counted',
      )
      .option(
        '--delete-unread',
        'also delete a log that replaced the old one and holds records that nobody has counted',
      )
      .requiredOption('--reason <text>', 'the reason, which is recorded')
      .action(begin),
  );
