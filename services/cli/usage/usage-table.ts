import { formatTable, outputWidth } from '../../shared/terminal/table.ts';
import { formatQuantity } from '../../shared/model/decimal.ts';
import { isoText, type Millis } from '../../shared/model/time.ts';
import type { UsageRow } from '../../shared/usage-client/usage-row.ts';
import type { MeterNames } from './meter-names.ts';

/** `2019-12-10 18:00`, in UTC */
const minuteText = (instant: Millis): string => isoText(instant).slice(0, 16).replace('T', ' ');

/** The last part of a path: what people call a resource. */
const nameOf = (resourceUri: string): string => resourceUri.split('/').at(-1) || resourceUri;

/** From this width on there is room for whole ids, paths and units. */
const WIDE = 160;

/**
 * Rows of usage for people. On a terminal of 80 columns a subscription is shown by its first part, a
 * resource by its last, and the unit is left out; a pipe and a wide terminal have everything.
 */
export const formatUsage = (
  rows: readonly UsageRow[],
  granularity: 'Hourly' | 'Daily',
  meters: MeterNames,
  width: number = outputWidth(),
): string => {
  const isWide = width >= WIDE;
  const heading = granularity === 'Hourly' ? 'USAGE HOUR' : 'USAGE DAY';
  return formatTable(
    [heading, 'SUBSCRIBER', 'METER', ...(isWide ? ['UNIT'] : []), 'RESOURCE', 'QUANTITY'],
    rows.map((row) => {
      const { name, unit } = meters.of(row.meterId);
      const start = minuteText(row.usageStart);
      return [
        granularity === 'Hourly' ? start : start.slice(0, 10),
        isWide ? row.subscriptionId : (row.subscriptionId.split('-', 1)[0] ?? ''),
        name ?? row.meterId,
        ...(isWide ? [unit] : []),
        isWide ? row.resourceUri : nameOf(row.resourceUri),
        formatQuantity(row.quantity),
      ];
    }),
    { whole: [heading, 'SUBSCRIBER', 'QUANTITY'], width },
  );
};
