import { Command } from 'commander';
import { abandonHistory } from '../../shared/sources/history-run.ts';
import { readSources } from '../../shared/sources/register.ts';
import { isoText } from '../../shared/time.ts';
import { changeConfig, lookConfig } from '../settings.ts';
import { withClickHouse, withSourceTools } from '../../shared/sources/source-tools.ts';
import { print, printJson } from '../print.ts';
import { formatTable } from '../../shared/terminal/table.ts';

const list = async ({ json }: { json?: boolean }): Promise<void> => {
  const sources = await withClickHouse(lookConfig(), readSources);
  if (json) {
    printJson(sources);
    return;
  }
  if (sources.length === 0) {
    print('No source is registered yet: run "usagectl provision".');
    return;
  }
  print(
    formatTable(
      ['SOURCE', 'EPOCH', 'KIND', 'STATE', 'PARTITIONS', 'FIRST HOUR', 'LAST HOUR', 'BILLABLE'],
      sources.map((source) => [
        source.topic,
        source.epoch,
        source.kind,
        source.state,
        source.partitions,
        isoText(source.firstHour),
        source.lastHour === null ? null : isoText(source.lastHour),
        source.billable ? 'yes' : 'no',
      ]),
      { whole: ['SOURCE'] },
    ),
  );
};

const abandon = async (topic: string): Promise<void> => {
  await withSourceTools(changeConfig(), (tools) => abandonHistory(tools, topic));
  print(`History run ${topic} is abandoned; its hours may be imported again.`);
};

export const sourcesCommand = (): Command =>
  new Command('sources')
    .description('the register of sources: which topic covers which reported hours')
    .addCommand(
      new Command('list').description('show every source').option('--json', 'as JSON').action(list),
    )
    .addCommand(
      new Command('abandon')
        .description('give up a history run that was begun and not finished')
        .argument('<topic>', 'topic of the run, as "sources list" shows it')
        .action(abandon),
    );
