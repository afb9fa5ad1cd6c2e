import type { EmissionNote } from '../../operations/emit/emission-notes.ts';
import type { EmitProblem } from '../../operations/emit/given-usage.ts';
import type { PlannedEvent } from '../../operations/emit/plan-emission.ts';
import type { SentEvent } from '../../operations/emit/send-emission.ts';
import { formatQuantity } from '../../shared/model/decimal.ts';
import { asciiLower } from '../../shared/model/placement.ts';
import { isSubscriptionId } from '../../shared/model/subscription-id.ts';
import { isoText } from '../../shared/model/time.ts';
import { printable } from '../../shared/terminal/printable.ts';
import { formatFields, formatTable } from '../../shared/terminal/table.ts';
import type { MeterNames } from '../usage/meter-names.ts';

/** The options that stand for the fields of a usage. */
const OPTIONS: Readonly<Record<string, string>> = {
  subscriptionId: '--subscription',
  resourceUri: '--resource',
  meterId: '--meter',
  tags: '--tag',
};

const subjectOf = ({ line, field }: EmitProblem): string => {
  if (line !== null)
    return field === null ? `line ${String(line)}` : `line ${String(line)}: ${field}`;
  return field === null ? 'the usage' : (OPTIONS[field] ?? `--${field}`);
};

/** One line for each problem, in the order of the lines. */
export const formatProblems = (problems: readonly EmitProblem[]): string => {
  const sorted = [...problems].sort((a, b) => (a.line ?? 0) - (b.line ?? 0));
  const count = problems.length === 1 ? '1 problem' : `${String(problems.length)} problems`;
  const lines = sorted.map((each) => `  ${printable(`${subjectOf(each)} ${each.problem}`)}`);
  return [`Nothing was sent, because of ${count}:`, ...lines].join('\n');
};

export const formatNote = ({ text }: EmissionNote): string => `note: ${printable(text)}.`;

type Shown = PlannedEvent & Partial<Pick<SentEvent, 'offset'>>;

const recordOf = ({ source, partition, offset }: Shown): string =>
  `${source.topic}/${String(partition)}${offset === undefined ? '' : `/${String(offset)}`}`;

const quantityOf = ({ event }: PlannedEvent, meters: MeterNames): string => {
  const { unit } = meters.of(event.meterId);
  return `${formatQuantity(event.quantity)}${unit === null ? '' : ` ${unit}`}`;
};

/** More are shown as a table. */
const MOST_IN_FULL = 3;
const MOST_IN_TABLE = 50;

/** The events, each with its record. */
export const formatEvents = (
  events: readonly Shown[],
  meters: MeterNames,
  assumed: string | null,
): string => {
  if (events.length <= MOST_IN_FULL) {
    return events.map((each) => inFull(each, meters, assumed)).join('\n\n');
  }
  const table = formatTable(
    ['EVENT', 'RECORD', 'FROM', 'QUANTITY', 'METER', 'RESOURCE'],
    events
      .slice(0, MOST_IN_TABLE)
      .map((each) => [
        each.id,
        recordOf(each),
        isoText(each.event.usageStartTime),
        quantityOf(each, meters),
        meters.of(each.event.meterId).name ?? each.event.meterId,
        each.event.resourceUri,
      ]),
    { whole: ['EVENT', 'RECORD'] },
  );
  const more = events.length - MOST_IN_TABLE;
  return more > 0 ? `${table}\nand ${more.toLocaleString('en')} more (--json has all)` : table;
};

const inFull = (each: Shown, meters: MeterNames, assumed: string | null): string => {
  const { event } = each;
  const { name } = meters.of(event.meterId);
  const period = `${isoText(event.usageStartTime)} to ${isoText(event.usageEndTime)}`;
  return formatFields([
    ['event', each.id],
    ['record', recordOf(each)],
    ['resource', event.resourceUri],
    ['meter', name === null ? event.meterId : `${name} (${event.meterId})`],
    ['quantity', quantityOf(each, meters)],
    ['time', assumed === null ? period : `${period} (it was not given: ${assumed})`],
  ]).join('\n');
};

/** Where a person sees what became of the events. */
export const formatNextSteps = (events: readonly SentEvent[]): string => {
  const [first] = events;
  if (!first) return '';
  const subscriptions = new Set(events.map(({ event }) => asciiLower(event.subscriptionId)));
  const [only = ''] = subscriptions;
  const subscriber =
    subscriptions.size === 1 && isSubscriptionId(only) ? ` --subscriber ${only}` : '';
  return [
    'The aggregator counts what it has read within a few seconds. To see it:',
    `  npx usagectl event ${first.id}`,
    `  npx usagectl usage get --provisional --granularity hourly${subscriber}`,
  ].join('\n');
};

export const eventObject = (each: Shown) => ({
  line: each.line,
  eventId: each.id,
  topic: each.source.topic,
  partition: each.partition,
  offset: each.offset ?? null,
  subscriptionId: each.event.subscriptionId,
  meterId: each.event.meterId,
  resourceUri: each.event.resourceUri,
  usageStartTime: isoText(each.event.usageStartTime),
  usageEndTime: isoText(each.event.usageEndTime),
  quantity: formatQuantity(each.event.quantity),
});
