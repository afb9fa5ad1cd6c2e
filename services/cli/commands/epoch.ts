import { Command, InvalidArgumentError } from 'commander';
import { coveredHours } from '../../shared/source.ts';
import { newEpoch } from '../../shared/sources/new-epoch.ts';
import { withSourceTools } from '../../shared/sources/source-tools.ts';
import { print } from '../print.ts';
import { changeConfig } from '../settings.ts';

const PATIENCE_MILLIS = 120_000;

const partitionCount = (text: string): number => {
  const count = Number(text);
  if (Number.isInteger(count) && count >= 1 && count <= 1000) return count;
  throw new InvalidArgumentError('it must be a whole number from 1 to 1000');
};

interface Options {
  readonly partitions?: number;
  readonly reason: string;
}

const begin = async (topic: string, { partitions, reason }: Options): Promise<void> => {
  print(
    `Sealing the present life of ${topic} and waiting for the aggregator to fold it to its end …`,
  );
  const source = await withSourceTools(changeConfig(), (tools) =>
    newEpoch(tools, topic, {
      partitions: partitions ?? null,
      reason,
      patienceMillis: PATIENCE_MILLIS,
    }),
  );
  print(
    `Epoch ${String(source.epoch)} of ${topic} is open with ${String(source.partitions)} partitions: reported hours ${coveredHours(source)}.`,
  );
};

export const epochCommand = (): Command =>
  new Command('epoch')
    .description('the lives of a live topic')
    .addCommand(
      new Command('new')
        .description(
          'end the present life of a topic and begin another one, with an empty log: the old log is deleted once it is folded',
        )
        .argument('<topic>', 'a live topic, as "sources list" shows it')
        .option(
          '--partitions <n>',
          'how many partitions the new life has (as before)',
          partitionCount,
        )
        .requiredOption('--reason <text>', 'why: it is recorded')
        .action(begin),
    );
