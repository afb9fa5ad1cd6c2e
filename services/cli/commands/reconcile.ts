import type { ClickHouseClient } from '@clickhouse/client';
import { Command } from 'commander';
import { readCommerceHoldings, type Holding } from '../../shared/billing/commerce-holdings.ts';
import { dimensionTable } from '../../shared/billing/dimension-table.ts';
import {
  ALL_HOURS,
  readBillingSides,
  reconcile,
  type Difference,
  type DifferenceKind,
  type HourSpan,
  type Reconciliation,
  type Submitted,
} from '../../shared/billing/reconcile.ts';
import {
  clickHouseSettings,
  commerceSettings,
  hourSettings,
  parseEnvironment,
} from '../../shared/config.ts';
import { formatQuantity, type Quantity } from '../../shared/decimal.ts';
import { messageOf, UserError } from '../../shared/errors.ts';
import { readMeterCatalog } from '../../shared/meters/meter-catalog.ts';
import { asciiLower } from '../../shared/placement.ts';
import { withClickHouse } from '../../shared/sources/source-tools.ts';
import { formatTable } from '../../shared/terminal/table.ts';
import { isoText, nextHour, type Hour } from '../../shared/time.ts';
import { hour } from '../hour-option.ts';
import { print, printJson } from '../print.ts';

const SHOWN = 20;

interface Options {
  readonly from?: Hour;
  readonly to?: Hour;
  readonly json?: boolean;
}

interface Found extends Reconciliation {
  /** How many submissions of each outcome there are. */
  readonly outcomes: Readonly<Record<string, number>>;
  /** Why Commerce was not compared; null where it was. */
  readonly withoutCommerce: string | null;
}

interface Holdings {
  readonly holdings: readonly Holding[] | null;
  readonly withoutCommerce: string | null;
}

const MEANING: Readonly<Record<DifferenceKind, string>> = {
  'not-composed': 'the windows have it, no submission does',
  'wrong-submission': 'windows and submission differ',
  'not-at-commerce': 'it was accepted, Commerce has nothing',
  'wrong-at-commerce': 'submission and Commerce differ',
  'only-at-commerce': 'Commerce has what was not submitted',
};

const readSettings = () =>
  parseEnvironment({ ...clickHouseSettings, ...hourSettings, ...commerceSettings });

const askCommerce = async (
  config: ReturnType<typeof readSettings>,
  { from }: HourSpan,
): Promise<Holdings> => {
  const { COMMERCE_URL: url, COMMERCE_TOKEN: token = null } = config;
  try {
    const holdings = await readCommerceHoldings({ url, token }, from);
    return { holdings, withoutCommerce: null };
  } catch (error) {
    if (!(error instanceof UserError)) throw error;
    return { holdings: null, withoutCommerce: messageOf(error) };
  }
};

const nameOf = ({ kind, hour: at, resourceKey, dimensionKey }: Difference): string =>
  [kind, at, resourceKey, dimensionKey].join('\0');

/**
 * Compares the three sides. They cannot be read at one moment while billing goes on: what ClickHouse
 * holds is read before Commerce is asked and, where anything differs, once more after it. What
 * differs both times is a difference.
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

const byHour = (a: Difference, b: Difference): number =>
  a.hour - b.hour || (nameOf(a) < nameOf(b) ? -1 : 1);

const format = (found: Found): string => {
  const names = new Map(
    readMeterCatalog().map(({ meterId, name }) => [asciiLower(meterId), name] as const),
  );
  const meter = (key: string): string => names.get(key) ?? key;
  const { dimensions, differences, compared, outcomes, withoutCommerce } = found;

  const lines = [
    dimensionTable('BILLABLE, BY METER', dimensions, meter, withoutCommerce === null),

    '',
    `Submissions: ${
      Object.entries(outcomes)
        .sort()
        .map(([outcome, count]) => `${count.toLocaleString('en')} ${outcome}`)
        .join(', ') || 'none'
    }.`,
  ];
  if (withoutCommerce) {
    lines.push(`Windows and submissions are compared alone. ${withoutCommerce}`);
  }
  if (differences.length > 0) {
    lines.push(
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
            MEANING[each.kind],
            formatQuantity(each.expected),
            formatQuantity(each.found),
            formatQuantity((each.found - each.expected) as Quantity),
          ]),
      ),
    );
  }
  const count = differences.length;
  const shown = count > SHOWN ? `, of which ${String(SHOWN)} are shown` : '';
  lines.push(
    '',
    `Compared ${compared.toLocaleString('en')} resources, meters and hours: ` +
      `${count === 0 ? 'no difference' : `${count.toLocaleString('en')} difference${count === 1 ? '' : 's'}`}${shown}.`,
  );
  return lines.join('\n');
};

/** Quantities are exact, and JSON's numbers are not. */
const asText = (_: string, value: unknown): unknown =>
  typeof value === 'bigint' ? formatQuantity(value as Quantity) : value;

export const reconcileCommand = (): Command =>
  new Command('reconcile')
    .description(
      'compare what the windows say is billable with what was submitted and what Commerce accepted; exit code 1 where anything differs',
    )
    .option('--from <hour>', 'first reported hour (the first of all)', hour)
    .option('--to <hour>', 'last reported hour, itself included (the last that is closed)', hour)
    .option('--json', 'as JSON')
    .addHelpText(
      'after',
      '\nCommerce is asked at COMMERCE_URL, with COMMERCE_TOKEN where it wants one. Where it cannot be reached, windows\n' +
        'and submissions are compared alone. Billed hours are never composed again: where "usagectl rebuild" has restated\n' +
        'one, the difference is what was billed too much, or (below zero) too little.',
    )
    .action(async ({ from, to, json }: Options) => {
      if (from !== undefined && to !== undefined && from > to) {
        throw new UserError('--from must not lie after --to');
      }
      const config = readSettings();
      const span = {
        from: from ?? ALL_HOURS.from,
        end: to === undefined ? ALL_HOURS.end : nextHour(to, config.USAGE_HOUR_MILLIS),
      };
      const found = await withClickHouse(config, (client) => compare(client, config, span));
      if (json) printJson(JSON.parse(JSON.stringify(found, asText)));
      else print(format(found));
      if (found.differences.length > 0) process.exitCode = 1;
    });
