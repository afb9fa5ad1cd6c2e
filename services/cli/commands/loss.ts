import { Command } from 'commander';
import { UserError } from '../../shared/process/errors.ts';
import { partitionName } from '../../shared/model/source.ts';
import { acceptLosses } from '../../operations/losses/losses.ts';
import { withClickHouse } from '../../operations/sources/source-tools.ts';
import { formatTable } from '../../shared/terminal/table.ts';
import { checkFailed } from '../exit-code.ts';
import type { FoundLoss } from '../../operations/losses/find-losses.ts';
import { lookForLosses } from '../../operations/losses/look-for-losses.ts';
import { print, printJson } from '../print.ts';
import { readChangeConfig } from '../settings.ts';

const describe = (losses: readonly FoundLoss[]): string =>
  formatTable(
    ['PARTITION', 'LOST FROM', 'CONTINUES AT', 'STORED', 'WHY'],
    losses.map((loss) => [
      partitionName(loss),
      loss.fromOffset,
      loss.ends ? 'never' : loss.nextOffset,
      loss.kept,
      loss.why,
    ]),
    { whole: ['PARTITION', 'WHY'] },
  );

const show = async (
  topic: string | undefined,
  { json }: { readonly json?: boolean },
): Promise<void> => {
  const { sources, losses } = await lookForLosses(readChangeConfig(), topic ?? null);
  if (sources === 0) {
    const which = topic === undefined ? 'There is no open live source' : `${topic} is not open`;
    throw new UserError(`${which}, so nothing was checked: see "usagectl sources list"`);
  }
  if (losses.length > 0) checkFailed();
  if (json) {
    printJson(losses);
    return;
  }
  if (losses.length === 0) {
    print(
      'No records are lost: every log continues at its checkpoint, and can be read to its end.',
    );
    return;
  }
  print(describe(losses));
  for (const each of new Set(losses.map((loss) => loss.topic))) {
    const ends = losses.some((loss) => loss.topic === each && loss.ends);
    const command = ends ? `epoch new ${each} --accept-loss` : `loss accept ${each}`;
    print(`\nIf they cannot be restored: usagectl ${command} --reason …`);
  }
};

const accept = async (topic: string, { reason }: { readonly reason: string }): Promise<void> => {
  const config = readChangeConfig();
  const { losses } = await lookForLosses(config, topic);
  if (losses.length === 0) {
    print(`No records of ${topic} are lost: nothing to accept.`);
    return;
  }
  const ahead = losses.find(({ isReached }) => !isReached);
  if (ahead) {
    throw new UserError(
      `${partitionName(ahead)} is not counted up to offset ${String(ahead.fromOffset)} yet: let the aggregator run until it halts there, then repeat this command`,
    );
  }
  const expired = losses.filter(({ ends }) => !ends);
  const ended = losses.find(({ ends }) => ends);
  const cannotGoOn =
    ended &&
    `${partitionName(ended)} cannot continue, because ${ended.why}: begin another epoch of the topic with "usagectl epoch new ${topic} --accept-loss"`;
  if (cannotGoOn && expired.length === 0) throw new UserError(cannotGoOn);
  // Before an epoch can end, the remaining records of its other partitions must be folded.
  await withClickHouse(config, (client) => acceptLosses(client, expired, reason));
  print(describe(expired));
  print(
    '\nAccepted. The aggregator continues after them within seconds. Ask the providers to send the usage of that ' +
      'time again: what is already stored is a duplicate. If rules were changed in that time, repeat "usagectl rules apply".',
  );
  if (cannotGoOn) print(`\n${cannotGoOn}`);
};

export const lossCommand = (command: Command): Command =>
  command
    .addCommand(
      new Command('show')
        .description(
          'compare every log with its checkpoint, read the records that are not counted yet, and show which are lost; exit code 1 if any are',
        )
        .argument('[topic]', 'check only this live topic')
        .option('--json', 'as JSON')
        .action(show),
    )
    .addCommand(
      new Command('accept')
        .description(
          'let the aggregator skip lost records: those that are stored stay counted, the rest count as lost',
        )
        .argument('<topic>', 'a live topic, as "sources list" shows it')
        .requiredOption('--reason <text>', 'the reason, which is recorded')
        .action(accept),
    );
