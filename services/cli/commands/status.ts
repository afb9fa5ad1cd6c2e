import { Command } from 'commander';
import { readBillingCounts, type BillingCounts } from '../../shared/billing/billing-counts.ts';
import { readCoverage } from '../../shared/sources/coverage.ts';
import { withAdmin, withClickHouse } from '../../shared/sources/source-tools.ts';
import { formatTable } from '../../shared/terminal/table.ts';
import { isoText } from '../../shared/time.ts';
import { ALL_OPEN } from '../dlq/letters.ts';
import {
  formatMisplaced,
  misplacedObject,
  readMisplaced,
  type Misplaced,
} from '../dlq/misplaced.ts';
import { print, printJson } from '../print.ts';
import { statusConfig } from '../settings.ts';
import { notCovered, notCoveredLine, type TimeSpan } from '../status/not-covered.ts';
import { readPartitions, type PartitionStatus } from '../status/partitions.ts';
import { readServices, type ServiceStatus } from '../status/services.ts';

interface Status {
  readonly services: readonly ServiceStatus[];
  readonly partitions: readonly PartitionStatus[];
  /** Every live hour before it is complete; null where there is no live source. */
  readonly completeThrough: string | null;
  /** Reported times for which no source answers. */
  readonly notCovered: readonly TimeSpan[];
  readonly billing: BillingCounts;
  /** Open dead letters on wrong partitions, where they tell which partitioner has put them there. */
  readonly misplaced: readonly Misplaced[];
}

const readStatus = async (): Promise<Status> => {
  const config = statusConfig();
  const services = await readServices(config);
  return withClickHouse(config, (client) =>
    withAdmin(config, async (admin) => {
      const coverage = await readCoverage(client);
      const { completeThrough } = coverage;
      return {
        services,
        partitions: await readPartitions(client, admin),
        completeThrough: completeThrough === null ? null : isoText(completeThrough),
        notCovered: notCovered(coverage),
        billing: await readBillingCounts(client),
        misplaced: await readMisplaced(client, ALL_OPEN),
      };
    }),
  );
};

const format = ({
  services,
  partitions,
  completeThrough,
  notCovered,
  billing,
  misplaced,
}: Status): string =>
  [
    formatTable(
      ['SERVICE', 'STATE', ''],
      services.map(({ name, state, reason }) => [name, state, reason ?? '']),
    ),
    formatTable(
      [
        'SOURCE',
        'PARTITION',
        'STATE',
        'CLOSED THROUGH',
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
        row.closedThrough,
        row.accepted,
        row.duplicate,
        row.deadLettered,
        row.control,
        row.lost,
        row.lag,
      ]),
    ),
    [
      `Complete through  ${completeThrough ?? '-'}`,
      `Not covered       ${notCoveredLine(notCovered)}`,
      `Submissions       ${String(billing.submissions)}: ${Object.entries(billing)
        .filter(([name]) => !['compositions', 'aggregates', 'submissions'].includes(name))
        .filter(([, count]) => count > 0)
        .map(([name, count]) => `${String(count)} ${name}`)
        .join(', ')}`,
    ].join('\n'),
    ...misplaced.map(formatMisplaced),
  ].join('\n\n');

export const statusCommand = (): Command =>
  new Command('status')
    .description('how far everything is: services, hours closed, records counted, lag, billing')
    .option('--json', 'as JSON')
    .action(async ({ json }: { json?: boolean }) => {
      const status = await readStatus();
      if (json) printJson({ ...status, misplaced: status.misplaced.map(misplacedObject) });
      else print(format(status));
    });
