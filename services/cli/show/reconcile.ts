import { dimensionTable } from '../../shared/billing/dimension-table.ts';
import type {
  Difference,
  DifferenceKind,
  Reconciliation,
  Unbilled,
} from '../../shared/billing/reconcile.ts';
import { formatQuantity, type Quantity } from '../../shared/model/decimal.ts';
import { dimensionNames } from '../../shared/meters/dimension-names.ts';
import { readMeterCatalog } from '../../shared/meters/meter-catalog.ts';
import { printable } from '../../shared/terminal/printable.ts';
import { formatTable } from '../../shared/terminal/table.ts';
import { isoText } from '../../shared/model/time.ts';

const SHOWN = 20;

/** The findings of a comparison. */
export interface Found extends Reconciliation {
  /** The number of submissions by outcome. */
  readonly outcomes: Readonly<Record<string, number>>;
  /** Why Commerce was not compared; null if it was. */
  readonly withoutCommerce: string | null;
}

const MEANING: Readonly<Record<DifferenceKind, string>> = {
  'not-composed': 'the windows have it, but no submission does',
  'wrong-submission': 'windows and submission differ',
  'lost-carry': 'it was carried, and no later hour has it',
  refused: 'Commerce refused it for good: it is not billed',
  'not-at-commerce': 'it was accepted, but Commerce has nothing',
  'wrong-at-commerce': 'submission and Commerce differ',
  'only-at-commerce': 'Commerce has usage that was not submitted',
};

const WHY: Readonly<Record<Unbilled, string>> = {
  'dead-lettered': 'Commerce refused it for good',
  held: 'the meter is unknown: add it to the catalog',
  pending: 'not sent yet',
  carried: 'goes into a later hour, which is not composed yet',
  'not-reported': 'the registration does not report',
  credit: 'adjustments took back more than was used: Commerce takes nothing below zero',
};

const number = (value: number): string => value.toLocaleString('en');

type MeterName = (dimensionKey: string) => string;

const unbilledTable = ({ unbilled }: Found, meter: MeterName): readonly string[] =>
  unbilled.length === 0
    ? []
    : [
        '',
        formatTable(
          ['NOT BILLED', 'METER', 'SUBMISSIONS', 'QUANTITY', 'WHY'],
          unbilled.map(({ why, dimensionKey, submissions, quantity }) => [
            why,
            meter(dimensionKey),
            submissions,
            formatQuantity(quantity),
            WHY[why],
          ]),
          { whole: ['WHY'] },
        ),
      ];

const nameOf = ({ kind, resourceKey, dimensionKey }: Difference): string =>
  [kind, resourceKey, dimensionKey].join('\0');

const byHour = (a: Difference, b: Difference): number =>
  a.hour - b.hour || (nameOf(a) < nameOf(b) ? -1 : 1);

const differenceTable = ({ differences }: Found, meter: MeterName): readonly string[] =>
  differences.length === 0
    ? []
    : [
        '',
        formatTable(
          ['HOUR', 'METER', 'RESOURCE', 'WHAT', 'EXPECTED', 'FOUND', 'TOO MUCH'],
          [...differences]
            .sort(byHour)
            .slice(0, SHOWN)
            .map((each) => [
              isoText(each.hour),
              meter(each.dimensionKey),
              each.resourceKey,
              each.reason === '' ? MEANING[each.kind] : `${MEANING[each.kind]} (${each.reason})`,
              formatQuantity(each.expected),
              formatQuantity(each.found),
              formatQuantity((each.found - each.expected) as Quantity),
            ]),
        ),
      ];

/** The last line is the verdict. */
const verdict = ({ compared, differences, withoutCommerce }: Found): string => {
  const { length } = differences;
  const shown = length > SHOWN ? `, of which ${String(SHOWN)} are shown` : '';
  const found =
    length === 0 ? 'no difference' : `${number(length)} difference${length === 1 ? '' : 's'}`;
  const what = `${number(compared)} resources, meters and hours`;
  return withoutCommerce === null
    ? `Compared ${what}: ${found}${shown}.`
    : `NOT COMPARED WITH COMMERCE: ${printable(withoutCommerce)}. ` +
        `Windows and submissions alone, ${what}: ${found}${shown}.`;
};

/** The findings, for a terminal. */
export const formatReconciliation = (found: Found): string => {
  const names = dimensionNames(readMeterCatalog());
  const meter: MeterName = (key) => names.get(key)?.name ?? key;
  const outcomes = Object.entries(found.outcomes)
    .sort()
    .map(([outcome, count]) => `${number(count)} ${outcome}`);
  return [
    dimensionTable('BILLABLE, BY METER', found, meter, found.withoutCommerce === null),
    '',
    `Submissions: ${outcomes.join(', ') || 'none'}.`,
    ...unbilledTable(found, meter),
    ...differenceTable(found, meter),
    '',
    verdict(found),
  ].join('\n');
};
