import type { Command } from 'commander';
import { readBillingCounts, type BillingCounts } from '../../shared/billing/billing-counts.ts';
import { readUnsent, unsentProblem, unsentText, type Unsent } from '../../shared/billing/unsent.ts';
import { aggregatesTopicName } from '../../shared/kafka/topic-names.ts';
import { ALL_TIME, readRestatements, unwrittenTexts } from '../../shared/sources/restated-hours.ts';
import { readCoverage } from '../../shared/sources/coverage.ts';
import { countOpenDeadLetters } from '../../operations/dead-letters/open-dead-letters.ts';
import { withAdmin, withClickHouse } from '../../operations/sources/source-tools.ts';
import { printable } from '../../shared/terminal/printable.ts';
import { formatTable } from '../../shared/terminal/table.ts';
import { isoText } from '../../shared/model/time.ts';
import { ALL_OPEN } from '../../operations/dead-letters/letters.ts';
import {
  formatMisplaced,
  misplacedObject,
  readMisplaced,
  type Misplaced,
} from '../../operations/dead-letters/misplaced.ts';
import { checkFailed } from '../exit-code.ts';
import { print, printJson } from '../print.ts';
import { readStatusConfig } from '../settings.ts';
import { bridgeTroubles } from '../../operations/status/bridge.ts';
import { notCovered, notCoveredLine, type TimeSpan } from '../../operations/status/not-covered.ts';
import { readPartitions, type PartitionStatus } from '../../operations/status/partitions.ts';
import { problemsOf } from '../../operations/status/problems.ts';
import { readServices, type ServiceStatus } from '../../operations/status/services.ts';

interface Status {
  readonly services: readonly ServiceStatus[];
  readonly partitions: readonly PartitionStatus[];
  /** Every live hour before this one is complete; null if there is no live source. */
  readonly completeBefore: string | null;
  /** Spans of reported time for which no source answers. */
  readonly notCovered: readonly TimeSpan[];
  readonly billing: BillingCounts;
  /** Live usage that is still to be sent to Commerce; null if there is none. */
  readonly unsent: Unsent | null;
  readonly openDeadLetters: number;
  /** Open dead letters on wrong partitions, if they show which partitioner put them there. */
  readonly misplaced: readonly Misplaced[];
  /** What needs attention, in words. */
  readonly problems: readonly string[];
}

const readStatus = async (): Promise<Status> => {
  const config = readStatusConfig();
  const services = await readServices(config);
  return withClickHouse(config, (client) =>
    withAdmin(config, async (admin) => {
      const coverage = await readCoverage(client);
      const { completeBefore } = coverage;
      const partitions = await readPartitions(client, admin);
      const billing = await readBillingCounts(client);
      const unsent = await readUnsent(client);
      const topic = aggregatesTopicName(config.USAGE_TOPIC_PREFIX);
      const bridge = await bridgeTroubles(client, admin, topic);
      const restatements = await readRestatements(client, ALL_TIME);
      const restating = unwrittenTexts(restatements, config.USAGE_HOUR_MILLIS);
      return {
        services,
        partitions,
        completeBefore: completeBefore === null ? null : isoText(completeBefore),
        notCovered: notCovered(coverage),
        billing,
        unsent,
        openDeadLetters: await countOpenDeadLetters(client),
        misplaced: await readMisplaced(client, ALL_OPEN),
        problems: problemsOf({
          services,
          partitions,
          bridge,
          restating,
          billing,
          unsent: unsentProblem(unsent, Date.now()),
        }),
      };
    }),
  );
};

const format = (status: Status): string => {
  const { services, partitions, completeBefore, billing, openDeadLetters, misplaced } = status;
  return [
    formatTable(
      ['SERVICE', 'STATE'],
      services.map(({ name, state }) => [name, state]),
    ),
    formatTable(
      [
        'SOURCE',
        'PARTITION',
        'STATE',
        'CLOSED BEFORE',
        'ACCEPTED',
        'DUPLICATE',
        'DEAD LETTERS',
        'CONTROL',
        'LOST',
        'LAG',
      ],
      partitions.map((row) => [
        row.topic,
        row.partition,
        row.state,
        row.openHour,
        row.accepted,
        row.duplicate,
        row.deadLettered,
        row.control,
        row.lost,
        row.lag,
      ]),
      { whole: ['SOURCE'] },
    ),
    [
      `Complete before   ${completeBefore ?? '-'}`,
      `Not covered       ${notCoveredLine(status.notCovered)}`,
      `Submissions       ${String(billing.submissions)}: ${Object.entries(billing)
        .filter(([name]) => !['compositions', 'aggregates', 'submissions'].includes(name))
        .filter(([, count]) => count > 0)
        .map(([name, count]) => `${String(count)} ${name}`)
        .join(', ')}`,
      `Not sent yet      ${unsentLine(status.unsent)}`,
      `Dead letters      ${String(openDeadLetters)} open${openDeadLetters > 0 ? ': see "usagectl dlq list"' : ''}`,
    ].join('\n'),
    ...misplaced.map(formatMisplaced),
    verdict(status),
  ].join('\n\n');
};

const unsentLine = (unsent: Unsent | null): string =>
  unsent === null ? 'nothing' : unsentText(unsent, Date.now());

const unsentObject = (unsent: Unsent | null) =>
  unsent === null ? null : { ...unsent, hour: isoText(unsent.hour) };

/** The last lines are the verdict. */
const verdict = ({ problems, openDeadLetters }: Status): string => {
  if (problems.length > 0) {
    return problems.map((problem) => `WRONG: ${printable(problem)}`).join('\n');
  }
  return openDeadLetters === 0
    ? 'Nothing is wrong.'
    : 'Everything runs, but not all usage is counted: nobody has dealt with the dead letters.';
};

export const statusCommand = (command: Command): Command =>
  command.option('--json', 'as JSON').action(async ({ json }: { json?: boolean }) => {
    const status = await readStatus();
    if (json)
      printJson({
        ...status,
        unsent: unsentObject(status.unsent),
        misplaced: status.misplaced.map(misplacedObject),
      });
    else print(format(status));
    if (status.problems.length > 0) checkFailed();
  });
