import { DEAD_LETTERS } from '../../shared/model/dead-letter.ts';
import { isoText } from '../../shared/model/time.ts';
import { printable } from '../../shared/terminal/printable.ts';
import { formatFields, formatTable } from '../../shared/terminal/table.ts';
import type { TracedBilling, TracedSubmission } from '../../operations/trace/billing.ts';
import type { AcceptedEvent, RefusedRecord } from '../../operations/trace/events.ts';
import type { FoundResources } from '../../operations/trace/resources.ts';
import type { EventTrace, ResourceTrace, WindowTrace } from '../../operations/trace/trace.ts';
import { positionText } from '../../operations/dead-letters/position.ts';
import { instantText } from '../instant-text.ts';
import type { MeterNames } from '../usage/meter-names.ts';

type Field = readonly [name: string, text: string | null];

const OUTCOMES: Readonly<Record<string, string>> = {
  pending: 'not sent yet, or not answered yet',
  accepted: 'Commerce has it',
  duplicate: 'Commerce had accepted it before, with the same quantity',
  mismatch: 'Commerce holds another quantity: an alarm',
  carried: 'Commerce no longer accepts its hour; it goes into a later one',
  'dead-lettered': 'Commerce refused it for good',
  zero: 'nothing to send: its quantity is zero',
  'not-reported': 'the stamp does not report',
  credit: 'below zero, which Commerce does not take: claim it from Microsoft',
  held: 'the meter is unknown: add it to the catalog',
};

const answerOf = (submission: TracedSubmission): string => {
  const { outcome, acceptedQuantity, usageEventId, code, message, reason } = submission;
  const held =
    acceptedQuantity === null ? '' : `, as ${acceptedQuantity} in usage event ${usageEventId}`;
  const why = code === '' ? '' : ` (${code}: ${message})`;
  const unsent = outcome === 'not-reported' ? ` (${reason})` : '';
  return `${outcome}: ${OUTCOMES[outcome] ?? ''}${unsent}${held}${why}`;
};

const submissionFields = (submission: TracedSubmission): readonly Field[] => {
  const { submissionId, reportedHour, quantity, aggregates, carries, usageMonths } = submission;
  const months = Object.entries(usageMonths).map(([month, part]) => `${part} in ${month}`);
  const inside =
    aggregates + carries.length > 1
      ? `, with ${String(aggregates)} aggregates and ${String(carries.length)} carries inside`
      : '';
  return [
    ['submission', `${submissionId}: ${quantity} for the hour ${isoText(reportedHour)}${inside}`],
    ['billed as', `${submission.dimension}, of the meters ${submission.meters.join(', ')}`],
    ...(months.length > 1 ? [['used', months.join(', ')] as const] : []),
    ['Commerce', answerOf(submission)],
  ];
};

const billingFields = ({ submissions, notBilled }: TracedBilling): readonly Field[] =>
  notBilled === null
    ? submissions.flatMap(submissionFields)
    : [['submission', `none: ${notBilled}`]];

const plural = (count: number): string => `${String(count)} event${count === 1 ? '' : 's'}`;

const windowFields = ({ window, billing }: WindowTrace): readonly Field[] => {
  const { reportedHour, usageHour, quantity, events, isClosed, daily } = window;
  const state = isClosed ? 'closed: it never changes' : 'still open: it may grow';
  return [
    [
      'hourly',
      `reported ${isoText(reportedHour)}, used ${isoText(usageHour)}: ${quantity} of ${plural(events)}, ${state}`,
    ],
    [
      'daily',
      !daily?.isIncluded
        ? 'not yet: a closed hour is rolled up'
        : `reported ${isoText(daily.reportedDay).slice(0, 10)}, used ${isoText(daily.usageDay).slice(0, 10)}: ${daily.quantity} of ${plural(daily.events)}`,
    ],
    ...billingFields(billing),
  ];
};

const whatFields = (
  {
    resourceUri,
    meterId,
    subscriptionId,
  }: Pick<AcceptedEvent, 'resourceUri' | 'meterId' | 'subscriptionId'>,
  meters: MeterNames,
): readonly Field[] => {
  const { name, unit } = meters.of(meterId);
  return [
    ['resource', resourceUri],
    ['subscription', subscriptionId],
    [
      'meter',
      name === null ? `${meterId} (not in the catalog)` : `${name}, in ${unit ?? '?'} (${meterId})`,
    ],
  ];
};

export const formatEvent = ({ event, trace }: EventTrace, meters: MeterNames): string =>
  [
    `Event ${event.eventId}`,
    ...formatFields([
      ...whatFields(event, meters),
      ['quantity', event.quantity],
      ['accepted', `${positionText(event)}, reported ${instantText(event.reportedTime)}`],
      ['duplicates', 'every other record of its topic with this id: counted, never stored'],
      ...(trace === null
        ? [['hourly', 'MISSING: see "usagectl audit"'] as const]
        : windowFields(trace)),
    ]),
  ].join('\n');

export const formatLetter = (letter: RefusedRecord): string =>
  [
    `Dead letter ${positionText(letter)}`,
    ...formatFields([
      ['reported', instantText(letter.reportedTime)],
      ['why', `${letter.code}: ${letter.message}`],
      ['what to do', DEAD_LETTERS[letter.code].remedy],
      ['more', `usagectl dlq show ${positionText(letter)}`],
      ...letter.history.map(({ disposition, actor, at, to, reason, letter: from }): Field => [
        'done',
        `${positionText(from)} ${disposition} by ${actor} ${instantText(at)}` +
          (to === null ? '' : ` to ${positionText(to)}`) +
          (reason === '' ? '' : `: ${reason}`),
      ]),
    ]),
  ].join('\n');

const outcomeWord = ({ submissions, notBilled }: TracedBilling): string =>
  notBilled ?? submissions.map(({ outcome }) => outcome).join(', then ');

export const formatResource = ({ windows, hasMore }: ResourceTrace, meters: MeterNames): string => {
  const few = windows.filter(({ events }) => events !== null);
  if (few.length > 0) {
    return few
      .map((each) =>
        [
          `Window ${positionOf(each)}`,
          ...formatFields([
            ...whatFields(each.window, meters),
            ...windowFields(each),
            ...(each.events ?? []).map((event): Field => [
              'event',
              `${event.eventId} at ${positionText(event)}: ${event.quantity}`,
            ]),
          ]),
        ].join('\n'),
      )
      .join('\n\n');
  }
  const table = formatTable(
    ['REPORTED HOUR', 'USAGE HOUR', 'METER', 'QUANTITY', 'EVENTS', 'HOUR', 'BILLED'],
    windows.map(({ window, billing }) => [
      isoText(window.reportedHour).slice(0, 16),
      isoText(window.usageHour).slice(0, 16),
      meters.of(window.meterId).name ?? window.meterId,
      window.quantity,
      window.events,
      window.isClosed ? 'closed' : 'open',
      outcomeWord(billing),
    ]),
    { whole: ['REPORTED HOUR', 'USAGE HOUR'] },
  );
  const more = hasMore ? 'There are older windows: --hour and --meter choose. ' : '';
  return `${table}\n\n${more}With --hour and --meter you also see the events, and what Commerce answered.`;
};

const positionOf = ({ window }: WindowTrace): string =>
  `in ${window.topic}/${String(window.epoch)}[${String(window.partition)}]`;

export const formatCandidates = ({ candidates, hasMore }: FoundResources): string =>
  [
    formatTable(
      ['LAST USAGE HOUR', 'RESOURCE'],
      candidates.map(({ lastUsageHour, uri }) => [isoText(lastUsageHour), uri]),
      { whole: ['RESOURCE'] },
    ),
    ...(hasMore ? ['', 'and more: give more of the name'] : []),
  ].join('\n');

/** Names what was looked for. */
export const quoted = (text: string): string => `"${printable(text)}"`;
