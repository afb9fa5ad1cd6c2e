import type { ClickHouseClient } from '@clickhouse/client';
import { queryRows } from '../../shared/clickhouse/client.ts';
import { readBillingCounts, type BillingCounts } from '../../shared/billing/billing-counts.ts';
import type { CommerceConfig } from '../../shared/process/config.ts';
import { readCommerceHoldings } from '../../shared/billing/commerce-holdings.ts';
import { commerceTokens } from '../../shared/commerce/sign-in.ts';
import type { dimensionNames } from '../../shared/meters/dimension-names.ts';
import { dimensionTable } from '../../shared/billing/dimension-table.ts';
import { readBillingSides } from '../../shared/billing/billing-sides.ts';
import { reconcile, type Reconciliation } from '../../shared/billing/reconcile.ts';
import { countOpenDeadLetters } from '../../operations/dead-letters/open-dead-letters.ts';
import { readCoverage } from '../../shared/sources/coverage.ts';
import { formatBilledTo, readBilledTo, type CustomerBill } from './billed-to.ts';
import { printable } from '../../shared/terminal/printable.ts';
import { formatTable } from '../../shared/terminal/table.ts';
import { isoText, type Hour } from '../../shared/model/time.ts';

interface SourceCounts {
  readonly kind: 'live' | 'history';
  readonly published: number;
  readonly accepted: number;
  readonly duplicate: number;
  readonly deadLettered: number;
  readonly inLedger: number;
  readonly inWindows: number;
}

/** What the first run did, for the person who started it. */
export interface Summary {
  readonly sources: readonly SourceCounts[];
  readonly hourlyWindows: number;
  readonly dailyWindows: number;
  readonly completeBefore: Hour | null;
  /** Refused records that nobody has dealt with. */
  readonly openDeadLetters: number;
  readonly billing: BillingCounts;
  readonly reconciliation: Reconciliation;
  readonly billedTo: readonly CustomerBill[];
}

/**
 * Counts by kind of source: what the checkpoints say was read, what became of it, and what the ledger and
 * the windows hold up to there.
 */
const COUNTS = `
SELECT s.kind AS kind,
  toString(sum(c.next_offset - c.first_offset - c.control - c.lost)) AS published,
  toString(sum(c.accepted)) AS accepted, toString(sum(c.duplicate)) AS duplicate,
  toString(sum(c.dead_lettered)) AS dead_lettered, toString(sum(l.n)) AS in_ledger,
  toString(sum(w.n)) AS in_windows
FROM (SELECT * FROM checkpoints FINAL) AS c
INNER JOIN (SELECT * FROM sources FINAL) AS s ON s.topic = c.topic AND s.epoch = c.epoch
LEFT JOIN (
  SELECT e.topic AS topic, e.epoch AS epoch, e.partition AS partition, uniqExact(e.offset) AS n
  FROM usage_events AS e
  INNER JOIN (SELECT topic, epoch, partition, next_offset FROM checkpoints FINAL) AS k
    ON k.topic = e.topic AND k.epoch = e.epoch AND k.partition = e.partition
  WHERE e.offset < k.next_offset GROUP BY topic, epoch, partition
) AS l ON l.topic = c.topic AND l.epoch = c.epoch AND l.partition = c.partition
LEFT JOIN (
  SELECT topic, epoch, partition, sum(event_count) AS n FROM usage_hourly FINAL
  GROUP BY topic, epoch, partition
) AS w ON w.topic = c.topic AND w.epoch = c.epoch AND w.partition = c.partition
GROUP BY kind ORDER BY kind`;

const countOf = async (client: ClickHouseClient, table: string): Promise<number> => {
  const [row] = await queryRows<{ n: string }>(
    client,
    `SELECT toString(count()) AS n FROM ${table} FINAL`,
  );
  return Number(row?.n ?? 0);
};

export const readSummary = async (
  client: ClickHouseClient,
  commerce: CommerceConfig,
): Promise<Summary> => {
  const rows = await queryRows<Record<string, string>>(client, COUNTS);
  // Commerce is asked first. Otherwise what it accepts later would look like a difference.
  const holdings = await readCommerceHoldings({
    url: commerce.COMMERCE_URL,
    tokens: commerceTokens(commerce),
  });
  const sides = await readBillingSides(client);
  return {
    sources: rows.map((row) => ({
      kind: row['kind'] as SourceCounts['kind'],
      published: Number(row['published']),
      accepted: Number(row['accepted']),
      duplicate: Number(row['duplicate']),
      deadLettered: Number(row['dead_lettered']),
      inLedger: Number(row['in_ledger']),
      inWindows: Number(row['in_windows']),
    })),
    hourlyWindows: await countOf(client, 'usage_hourly'),
    dailyWindows: await countOf(client, 'usage_daily'),
    completeBefore: (await readCoverage(client)).completeBefore,
    openDeadLetters: await countOpenDeadLetters(client),
    billing: await readBillingCounts(client),
    reconciliation: reconcile({ ...sides, holdings }),
    billedTo: await readBilledTo(
      commerce.COMMERCE_URL,
      commerce.COMMERCE_TOKEN ?? commerce.COMMERCE_CLIENT_SECRET ?? null,
    ),
  };
};

/** What does not add up, in words; empty if everything does. */
export const discrepancies = ({ sources, billing, reconciliation }: Summary): readonly string[] => {
  const found: string[] = [];
  for (const counts of sources) {
    const { kind, published, accepted, duplicate, deadLettered, inLedger, inWindows } = counts;
    if (published !== accepted + duplicate + deadLettered) {
      found.push(`${kind}: ${String(published)} published, other counts add up to another number`);
    }
    if (inLedger !== accepted) {
      found.push(`${kind}: ${String(accepted)} accepted, ${String(inLedger)} in the ledger`);
    }
    // Live windows are written before the checkpoint, so only sealed history must be equal now.
    if (kind === 'history' && inWindows !== accepted) {
      found.push(`${kind}: ${String(accepted)} accepted, ${String(inWindows)} in the windows`);
    }
  }
  if (billing.mismatch > 0)
    found.push(`Commerce holds other quantities: ${String(billing.mismatch)}`);
  if (billing.deadLettered > 0) found.push(`Commerce refused: ${String(billing.deadLettered)}`);
  for (const difference of reconciliation.differences.slice(0, 5)) {
    const { kind, hour, resourceKey, dimensionKey } = difference;
    found.push(`${kind}: ${isoText(hour)} ${printable(dimensionKey)} ${printable(resourceKey)}`);
  }
  return found;
};

const number = (value: number): string => value.toLocaleString('en');

/** The verdict of the summary, in a sentence; `found` is what does not add up. */
export const verdictOf = (
  { openDeadLetters }: Summary,
  found: readonly string[],
  { seconds, logs }: { readonly seconds: number; readonly logs: string },
): string => {
  if (found.length > 0) return `Something does not add up: see above, and the logs in ${logs}.`;
  const after = `${seconds.toFixed(0)} seconds after the start`;
  if (openDeadLetters === 0) return `Everything adds up, ${after}.`;
  const letters =
    openDeadLetters === 1 ? '1 record was' : `${number(openDeadLetters)} records were`;
  return (
    `The counts agree, ${after}; but ${letters} refused and nobody has dealt with them, ` +
    'so not all usage is counted: npx usagectl dlq list'
  );
};

const eventLines = ({ sources }: Summary): string =>
  formatTable(
    ['EVENTS', 'PUBLISHED', 'ACCEPTED', 'DUPLICATE', 'DEAD-LETTERED'],
    sources.map((counts) => [
      counts.kind,
      counts.published,
      counts.accepted,
      counts.duplicate,
      counts.deadLettered,
    ]),
  );

/** The printed summary, with what does not add up. */
export const formatSummary = (
  summary: Summary,
  meterNames: ReturnType<typeof dimensionNames>,
): string => {
  const { hourlyWindows, dailyWindows, completeBefore, billing, reconciliation } = summary;
  const nameOf = (key: string): string => {
    const meter = meterNames.get(key);
    return meter ? `${meter.name} (${meter.unit})` : key;
  };
  const sent = billing.accepted + billing.duplicate;
  return [
    eventLines(summary),
    '',
    `Windows            ${number(hourlyWindows)} hourly, ${number(dailyWindows)} daily`,
    `Complete before    ${completeBefore === null ? 'no live hour yet' : isoText(completeBefore)}`,
    `Aggregates         ${number(billing.aggregates)} billable in ${number(billing.compositions)} closed hours of partitions`,
    `Submissions        ${number(sent)} accepted by Commerce, ${number(billing.zero)} of zero not sent, ` +
      `${number(billing.held)} held, ${number(billing.pending)} pending`,
    `Compared           ${number(reconciliation.compared)} resources, meters and hours: ` +
      `${number(reconciliation.differences.length)} differences between windows, submissions and Commerce`,
    '',
    dimensionTable('BILLED, BY METER', reconciliation, nameOf, true),
    '',
    formatBilledTo(summary.billedTo),
  ].join('\n');
};
