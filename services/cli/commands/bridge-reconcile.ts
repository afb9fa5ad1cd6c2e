import type { ClickHouseClient } from '@clickhouse/client';
import type { Command } from 'commander';
import { readBillingSides, refuseNothingToCompare } from '../../shared/billing/billing-sides.ts';
import { readCommerceHoldings, type Holding } from '../../shared/billing/commerce-holdings.ts';
import {
  ALL_HOURS,
  reconcile,
  type Difference,
  type HourSpan,
  type Submitted,
} from '../../shared/billing/reconcile.ts';
import {
  clickHouseSettings,
  commerceSettings,
  hourSettings,
  parseEnvironment,
} from '../../shared/process/config.ts';
import { formatQuantity, type Quantity } from '../../shared/model/decimal.ts';
import { messageOf, UserError } from '../../shared/process/errors.ts';
import { withClickHouse } from '../../operations/sources/source-tools.ts';
import type { Hour } from '../../shared/model/time.ts';
import { checkFailed } from '../exit-code.ts';
import { commerceTokens } from '../../shared/commerce/sign-in.ts';
import { print, printJson } from '../print.ts';
import { formatReconciliation, type Found } from '../show/reconcile.ts';
import { checkHours, EMPTY_RANGE, hour, rangeText } from '../time-option.ts';

interface Options {
  readonly from?: Hour;
  readonly to?: Hour;
  readonly json?: boolean;
}

interface Holdings {
  readonly holdings: readonly Holding[] | null;
  readonly withoutCommerce: string | null;
}

const readSettings = () =>
  parseEnvironment({ ...clickHouseSettings, ...hourSettings, ...commerceSettings });

const askCommerce = async (
  config: ReturnType<typeof readSettings>,
  { from }: HourSpan,
): Promise<Holdings> => {
  const tokens = commerceTokens(config);
  try {
    const holdings = await readCommerceHoldings({ url: config.COMMERCE_URL, tokens }, from);
    return { holdings, withoutCommerce: null };
  } catch (error) {
    if (!(error instanceof UserError)) throw error;
    return { holdings: null, withoutCommerce: messageOf(error) };
  }
};

const nameOf = ({ kind, hour: at, resourceKey, dimensionKey }: Difference): string =>
  [kind, at, resourceKey, dimensionKey].join('\0');

/**
 * Compares the three sides. They cannot all be read at one moment while billing continues. So ClickHouse is
 * read before Commerce is asked and, if anything differs, once more afterwards. Only what differs both
 * times is a difference.
 */
const compare = async (
  client: ClickHouseClient,
  config: ReturnType<typeof readSettings>,
  span: HourSpan,
): Promise<Found> => {
  const before = await readBillingSides(client, span);
  const { holdings, withoutCommerce } = await askCommerce(config, span);
  const first = reconcile({ ...before, holdings }, span);
  if (first.differences.length === 0) {
    return { ...first, outcomes: outcomesOf(before.submissions, span), withoutCommerce };
  }
  const after = await readBillingSides(client, span);
  const second = reconcile({ ...after, holdings }, span);
  const known = new Set(first.differences.map(nameOf));
  const differences = second.differences.filter((each) => known.has(nameOf(each)));
  const outcomes = outcomesOf(after.submissions, span);
  return { ...second, differences, outcomes, withoutCommerce };
};

const outcomesOf = (
  submissions: readonly Submitted[],
  { from, end }: HourSpan,
): Readonly<Record<string, number>> => {
  const counts: Record<string, number> = {};
  for (const { outcome, hour: at } of submissions) {
    if (at >= from && at < end) counts[outcome] = (counts[outcome] ?? 0) + 1;
  }
  return counts;
};

/** Quantities are exact, and JSON's numbers are not. */
const asText = (_: string, value: unknown): unknown =>
  typeof value === 'bigint' ? formatQuantity(value as Quantity) : value;

export const bridgeReconcileCommand = (command: Command): Command =>
  command
    .description(
      'compare what is billable by the windows with what was submitted and what Commerce accepted; exit code 1 if anything differs or could not be read',
    )
    .option('--from <hour>', 'reported hours from this one on (from the first of all)', hour)
    .option('--to <hour>', 'up to this one, exclusive (to the last that is closed)', hour)
    .option('--json', 'as JSON')
    .addHelpText(
      'after',
      '\nCommerce is asked at COMMERCE_URL, signed in as the bridge. If it does not answer, windows and\n' +
        'submissions alone are compared, and the exit code is 1. Usage that Commerce refused for good is a difference.\n' +
        'Held, pending and carried usage is shown, but is not a difference, unless a carry is lost. Billed hours are never composed again:\n' +
        'if "usagectl rebuild" has restated one, the difference says how much too much (below zero: too little) was billed.',
    )
    .action(async ({ from, to, json }: Options) => {
      if (from !== undefined && to !== undefined && from >= to) throw new UserError(EMPTY_RANGE);
      const config = readSettings();
      checkHours({ '--from': from, '--to': to }, config.USAGE_HOUR_MILLIS);
      const span = { from: from ?? ALL_HOURS.from, end: to ?? ALL_HOURS.end };
      const found = await withClickHouse(config, async (client) => {
        await refuseNothingToCompare(client, span);
        return compare(client, config, span);
      });
      if (json) printJson(JSON.parse(JSON.stringify(found, asText)));
      else {
        if (from !== undefined || to !== undefined) {
          print(`Reported hours ${rangeText({ from, to })}\n`);
        }
        print(formatReconciliation(found));
      }
      // A side that could not be read may hold anything.
      if (found.differences.length > 0 || found.withoutCommerce !== null) checkFailed();
    });
