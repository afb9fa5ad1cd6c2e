import type { Command } from 'commander';
import { withClickHouse } from '../../operations/sources/source-tools.ts';
import { formatTable } from '../../shared/terminal/table.ts';
import { isoText, type Millis } from '../../shared/model/time.ts';
import { several, wholeNumber } from '../dead-letters/options.ts';
import { readChanges, type Change } from '../../operations/changes/changes.ts';
import { print, printJson } from '../print.ts';
import { readViewConfig } from '../settings.ts';
import { time } from '../time-option.ts';

interface Options {
  readonly since?: Millis;
  readonly until?: Millis;
  readonly kind?: readonly string[];
  readonly topic?: string;
  readonly by?: string;
  readonly limit: number;
  readonly json?: boolean;
}

const detailText = (detail: Change['detail']): string =>
  Object.entries(detail)
    .map(([name, value]) => `${name} ${typeof value === 'string' ? value : JSON.stringify(value)}`)
    .join(', ');

const format = (changes: readonly Change[]): string =>
  formatTable(
    ['WHEN', 'WHO', 'WHAT', 'ON', 'WHY', 'MORE'],
    changes.map(({ at, actor, kind, subject, reason, detail }) => [
      isoText(at),
      actor,
      kind,
      subject,
      reason === '' ? null : reason,
      detailText(detail),
    ]),
    { whole: ['WHEN', 'WHAT'] },
  );

const history = async (options: Options): Promise<void> => {
  const { since, until, kind, topic, by, limit, json } = options;
  const filter = {
    since: since ?? null,
    until: until ?? null,
    kinds: kind ?? null,
    actor: by ?? null,
    topic: topic ?? null,
  };
  const found = await withClickHouse(readViewConfig(), (client) =>
    readChanges(client, filter, limit),
  );
  const changes = found.slice(-limit);
  const earlier = found.length > changes.length;
  if (json) {
    printJson({ changes, earlier });
    return;
  }
  if (changes.length === 0) {
    print('There are no changes that match.');
    return;
  }
  print(format(changes));
  if (earlier)
    print(
      `\nThere are earlier ones: --until ${isoText(changes[0]?.at ?? (0 as Millis))}, or --limit`,
    );
};

export const historyCommand = (command: Command): Command =>
  command
    .option('--since <time>', 'only changes at or after this time', time)
    .option('--until <time>', 'only changes before this time', time)
    .option(
      '--kind <kind>',
      'only changes of this kind, as in the column WHAT (may be repeated)',
      several,
    )
    .option('--topic <topic>', 'only changes to this topic')
    .option('--by <name>', 'only changes by this person')
    .option('--limit <n>', 'show the newest n changes', wholeNumber, 50)
    .option('--json', 'as JSON')
    .action(history);
