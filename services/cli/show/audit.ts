import { sourceName } from '../../shared/model/source.ts';
import { printable } from '../../shared/terminal/printable.ts';
import { formatTable, type Cell } from '../../shared/terminal/table.ts';
import type { AuditedPartition, AuditReport } from '../../operations/audit/audit-report.ts';
import type { Difference } from '../../operations/audit/differences.ts';

const sum = (
  partitions: readonly AuditedPartition[],
  of: (partition: AuditedPartition) => number,
): number => partitions.reduce((total, partition) => total + of(partition), 0);

const bySource = (
  partitions: readonly AuditedPartition[],
): readonly (readonly [string, readonly AuditedPartition[]])[] => {
  const sources = new Map<string, AuditedPartition[]>();
  for (const partition of partitions) {
    const name = sourceName(partition);
    sources.set(name, [...(sources.get(name) ?? []), partition]);
  }
  return [...sources];
};

type Column = readonly [heading: string, of: (partition: AuditedPartition) => number];

const RECOUNTED: readonly Column[] = [
  ['RECORDS', ({ records }) => records],
  ['ACCEPTED', ({ accepted }) => accepted],
  ['DUPLICATE', ({ duplicate }) => duplicate],
  ['DEAD LETTERS', ({ deadLettered }) => deadLettered],
  ['CONTROL', ({ control }) => control],
  ['LEDGER', ({ ledger }) => ledger],
  ['HOURLY', ({ hourly }) => hourly],
  ['DAILY', ({ daily }) => daily],
  ['AHEAD', ({ ahead }) => ahead],
  ['LAG', ({ lag }) => lag],
  ['DIFFERENCES', ({ differences }) => differences],
];

const BILLED: readonly Column[] = [
  ['HOURS COMPOSED', ({ billing }) => billing.composed],
  ['NOT YET', ({ billing }) => billing.waiting],
  ['SUBMISSIONS', ({ billing }) => billing.submissions],
];

const tableOf = (partitions: readonly AuditedPartition[], columns: readonly Column[]): string =>
  formatTable(
    ['SOURCE', ...columns.map(([heading]) => heading)],
    bySource(partitions).map(([name, those]): readonly Cell[] => [
      name,
      ...columns.map(([, of]) => sum(those, of)),
    ]),
    { whole: ['SOURCE'] },
  );

const REASONS: Readonly<Record<AuditedPartition['state'], string | null>> = {
  whole: null,
  partly: 'its first records have expired or are lost; what was reported after them was compared',
  expired: 'all counted records have expired',
  gone: 'an earlier epoch of the topic, whose log was deleted',
  'another log': 'the log is not the one that was counted',
  unreadable: 'the log cannot be read',
  'not begun': 'nothing has been stored for it yet',
};

const notRecountable = (partitions: readonly AuditedPartition[]): readonly string[] =>
  partitions.flatMap(({ topic, epoch, partition, state, from, notRecountable: rows }) => {
    const reason = REASONS[state];
    if (reason === null) return [];
    const name = `${topic}/${String(epoch)}[${String(partition)}]`;
    const where = state === 'partly' ? ` (from offset ${String(from)})` : '';
    return [
      `Not recountable: ${String(rows.hourly)} hourly and ${String(rows.daily)} daily rows of ${name}: ${reason}${where}.`,
    ];
  });

const described = ({ kind, partition, offset, row, problem }: Difference): string =>
  `${kind}  ${partition}${offset === null ? '' : `  offset ${String(offset)}`}\n  ${printable(row)}\n  ${printable(problem)}`;

/** Whether any record was recounted. If none was, finding no difference means nothing. */
export const hasRecounted = ({ partitions }: AuditReport): boolean =>
  partitions.some(({ state }) => state === 'whole' || state === 'partly');

const NOTHING_RECOUNTED =
  'Nothing was recounted, so this says nothing about what is stored: see "usagectl sources list", and check with "usagectl status" that the aggregator runs.';

/** The last line is the verdict. */
const verdict = (report: AuditReport): string => {
  const { differences } = report;
  if (differences === 0) return hasRecounted(report) ? 'No difference.' : NOTHING_RECOUNTED;
  return differences === 1 ? '1 difference.' : `${differences.toLocaleString('en')} differences.`;
};

/** What the audit took. */
export interface Effort {
  readonly millis: number;
  /** The peak memory of the process, in bytes. */
  readonly peakBytes: number;
}

const effortText = ({ partitions }: AuditReport, { millis, peakBytes }: Effort): string =>
  `Recounted ${sum(partitions, ({ records }) => records).toLocaleString('en')} records in ` +
  `${(millis / 1000).toFixed(1)} s, with at most ${String(Math.round(peakBytes / 1024 / 1024))} MiB of memory.`;

/** The findings of an audit, for a terminal. */
export const formatReport = (report: AuditReport, billing: boolean, effort: Effort): string => {
  const { partitions, first, differences } = report;
  const more = differences - first.length;
  return [
    tableOf(partitions, RECOUNTED),
    ...(billing ? [tableOf(partitions, BILLED)] : []),
    ...(notRecountable(partitions).length > 0 ? [notRecountable(partitions).join('\n')] : []),
    ...first.map(described),
    ...(more > 0 && first.length > 0 ? [`and ${more.toLocaleString('en')} more (--limit)`] : []),
    `${effortText(report, effort)}\n${verdict(report)}`,
  ].join('\n\n');
};
