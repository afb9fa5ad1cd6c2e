import { Command } from 'commander';
import { abandonHistory } from '../../operations/history-runs/history-run.ts';
import { countedSources, readCoverage, type HourState } from '../../shared/sources/coverage.ts';
import { sourceName } from '../../shared/model/source.ts';
import { readSources } from '../../shared/sources/register.ts';
import { isoText } from '../../shared/model/time.ts';
import { readChangeConfig, readViewConfig } from '../settings.ts';
import { withClickHouse, withSourceTools } from '../../operations/sources/source-tools.ts';
import { print, printJson } from '../print.ts';
import { allSpans, timeSpan } from '../../operations/status/not-covered.ts';
import { formatTable } from '../../shared/terminal/table.ts';

const list = async ({ json }: { json?: boolean }): Promise<void> => {
  const sources = await withClickHouse(readViewConfig(), readSources);
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

const STATES: Readonly<Record<HourState, string>> = {
  complete: 'complete',
  processing: 'processing',
  'not-covered': 'not covered',
};

const coverage = async ({ json }: { json?: boolean }): Promise<void> => {
  const covered = await withClickHouse(readViewConfig(), readCoverage);
  const ends = allSpans(covered).map((span) => ({
    ...timeSpan(span),
    state: span.state,
    sources:
      span.state === 'not-covered'
        ? []
        : countedSources(covered, span.from, span.to).map(sourceName),
  }));
  if (json) {
    printJson(ends);
    return;
  }
  print(
    formatTable(
      ['REPORTED FROM', 'BEFORE', 'STATE', 'SOURCES'],
      ends.map(({ from, to, state, sources }) => [from, to, STATES[state], sources.join(', ')]),
    ),
  );
};

const abandon = async (topic: string): Promise<void> => {
  await withSourceTools(readChangeConfig(), (tools) => abandonHistory(tools, topic));
  print(`History run ${topic} is abandoned; its hours may be imported again.`);
};

export const sourcesCommand = (command: Command): Command =>
  command
    .addCommand(
      new Command('list')
        .description('show every source')
        .option('--json', 'print JSON')
        .action(list),
    )
    .addCommand(
      new Command('coverage')
        .description(
          'show which reported hours are complete, still processing, or not covered by any source; only in complete hours does no usage mean that nothing was used',
        )
        .option('--json', 'as JSON')
        .action(coverage),
    )
    .addCommand(
      new Command('abandon')
        .description('abandon a history run that was begun and not finished')
        .argument('<topic>', 'the topic of the run, as "sources list" shows it')
        .action(abandon),
    );
