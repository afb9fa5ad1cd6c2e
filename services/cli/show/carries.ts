import type { Planned } from '../../operations/carries/carry-unbilled.ts';
import type { SubmissionFilter } from '../../operations/carries/unbilled-submissions.ts';
import { doubleText } from '../../shared/billing/double.ts';
import { addQuantities, formatQuantity, ZERO, type Quantity } from '../../shared/model/decimal.ts';
import { isoText } from '../../shared/model/time.ts';
import { formatTable } from '../../shared/terminal/table.ts';

const ABOUT = {
  held: 'held',
  'dead-lettered': 'refused by Commerce',
} as const;

const becomes = ({ plan }: Planned, isDone: boolean): string => {
  switch (plan.kind) {
    case 'carry':
      return isDone ? 'carried into the next hour' : 'would be carried into the next hour';
    case 'at-commerce':
      return plan.isSame
        ? 'Commerce has accepted it: recorded so'
        : `Commerce holds ${doubleText(plan.quantity)}: a mismatch`;
    case 'left':
      return `left: ${plan.why}`;
  }
};

interface Row {
  readonly dimension: string;
  readonly code: string;
  readonly what: string;
  submissions: number;
  quantity: Quantity;
  readonly first: string;
  last: string;
}

/** What was done, or would be, by dimension and code. */
export const formatPlanned = (
  planned: readonly Planned[],
  outcome: SubmissionFilter['outcome'],
  dryRun: boolean,
): string => {
  if (planned.length === 0) return `No usage is ${ABOUT[outcome]} that matches.`;
  const rows = new Map<string, Row>();
  for (const each of planned) {
    const { submission, code, hour } = each.submission;
    const what = becomes(each, !dryRun);
    const key = [submission.dimension, code, what].join('\0');
    const at = isoText(hour);
    const row = rows.get(key) ?? {
      dimension: submission.dimension,
      code,
      what,
      submissions: 0,
      quantity: ZERO,
      first: at,
      last: at,
    };
    rows.set(key, row);
    row.submissions++;
    row.quantity = addQuantities(row.quantity, submission.quantity);
    row.last = at;
  }
  return formatTable(
    ['DIMENSION', 'REFUSED WITH', 'SUBMISSIONS', 'QUANTITY', 'HOURS', ''],
    [...rows.values()].map((row) => [
      row.dimension,
      row.code,
      row.submissions,
      formatQuantity(row.quantity),
      row.first === row.last ? row.first : `${row.first} to ${row.last}`,
      row.what,
    ]),
  );
};
