import type { AdjustmentPlan } from '../../operations/adjustments/adjust.ts';
import type { ListedAdjustment } from '../../operations/adjustments/adjustment-table.ts';
import { addQuantities, formatQuantity, ZERO } from '../../shared/model/decimal.ts';
import { partitionName } from '../../shared/model/source.ts';
import { isoText } from '../../shared/model/time.ts';
import { formatFields, formatTable } from '../../shared/terminal/table.ts';
import { MeterNames } from '../usage/meter-names.ts';

const UNKNOWN_METER =
  'no catalog knows it: usage of it is counted, and held at the bridge until one does';

/** What an adjustment would do. */
export const formatPlan = ({ adjustment, at, recorded, waiting }: AdjustmentPlan): string => {
  const { name, unit } = new MeterNames().of(adjustment.meterId);
  const amount = (quantity: typeof adjustment.quantity): string =>
    `${formatQuantity(quantity)}${unit === null ? '' : ` ${unit}`}`;
  const usual = addQuantities(recorded ?? ZERO, waiting);
  return formatFields([
    ['Adjustment', adjustment.id],
    ['Subscription', adjustment.subscriptionId],
    ['Resource', adjustment.resourceUri],
    ['Meter', `${adjustment.meterId} (${name ?? UNKNOWN_METER})`],
    ['Usage hour', isoText(adjustment.usageHour)],
    ['Recorded for it', recorded === null ? 'nothing' : amount(recorded)],
    ...(waiting === 0n ? [] : [['Other adjustments that wait', amount(waiting)] as const]),
    ['Adjusted by', amount(adjustment.quantity)],
    ['Then', amount(addQuantities(usual, adjustment.quantity))],
    ['Reason', adjustment.reason],
    ['Goes to', `${partitionName(at)}, in the reported hour that is open there`],
  ]).join('\n');
};

export const formatAdjustments = (found: readonly ListedAdjustment[]): string => {
  if (found.length === 0) return 'No usage was adjusted.';
  const waiting = found.filter(({ countedIn }) => countedIn === null).length;
  const table = formatTable(
    [
      'ADJUSTMENT',
      'MADE',
      'BY',
      'USAGE HOUR',
      'QUANTITY',
      'COUNTS IN',
      'METER',
      'RESOURCE',
      'REASON',
    ],
    found.map((each) => [
      each.id,
      isoText(each.at),
      each.actor,
      isoText(each.usageHour),
      formatQuantity(each.quantity),
      each.countedIn === null ? 'not yet' : isoText(each.countedIn),
      each.meterId,
      each.resourceUri,
      each.reason,
    ]),
    { whole: ['ADJUSTMENT', 'QUANTITY'] },
  );
  return waiting === 0
    ? table
    : `${table}\n\n${String(waiting)} not counted yet: if the aggregator runs and that does not change, repeat the command that made it. It cannot count twice.`;
};

export const jsonOfAdjustment = (each: ListedAdjustment) => ({
  ...each,
  usageHour: isoText(each.usageHour),
  quantity: formatQuantity(each.quantity),
  at: isoText(each.at),
  countedIn: each.countedIn === null ? null : isoText(each.countedIn),
});
