import type { ClickHouseClient } from '@clickhouse/client';
import { queryRows } from '../clickhouse/client.ts';
import { hourFromSeconds, quantityFromText } from '../clickhouse/values.ts';
import { addQuantities } from '../model/decimal.ts';
import { asciiLower } from '../model/placement.ts';
import { UserError } from '../process/errors.ts';
import { meterTerms, termsOf, type BillingTerms, type MeterTerms } from './billing-terms.ts';
import { ALL_HOURS, type Billed, type BillingSides, type HourSpan } from './reconcile.ts';
import { readLostCarries } from './lost-carries.ts';
import { readTerms } from './terms-table.ts';

interface BilledRow {
  readonly hour: number;
  readonly resource: string;
  readonly dimension: string;
  readonly quantity: string;
}

interface WindowRow extends Omit<BilledRow, 'dimension'> {
  readonly meter: string;
  readonly subscription: string;
}

const WITHIN = `u.reported_hour >= toDateTime({from:UInt32}, 'UTC') AND u.reported_hour < toDateTime({end:UInt32}, 'UTC')`;

/**
 * Reads the two sides that ClickHouse holds, for some or all closed hours: the windows of billable sources,
 * without meters and subscriptions that the terms of their hour do not bill; and the submissions, with
 * those that were carried into them.
 */
export const readBillingSides = async (
  client: ClickHouseClient,
  span: HourSpan = ALL_HOURS,
): Promise<Omit<BillingSides, 'holdings'>> => {
  const terms = await readTerms(client);
  const params = { from: span.from / 1000, end: span.end / 1000 };
  const submissions = await queryRows<
    BilledRow & {
      readonly id: string;
      readonly outcome: string;
      readonly reason: string;
      readonly carries: readonly string[];
      readonly carried_on: 0 | 1;
    }
  >(
    client,
    `SELECT toString(submission_id) AS id, toUnixTimestamp(reported_hour) AS hour,
       resource_key AS resource, dimension_key AS dimension, toString(u.quantity) AS quantity, outcome,
       arrayStringConcat(arrayFilter(text -> text != '', [u.code, u.message]), ': ') AS reason,
       arrayMap(id -> toString(id), u.carries) AS carries,
       outcome = 'carried' AND u.submission_id IN (SELECT arrayJoin(c.carries) FROM commerce_usage AS c) AS carried_on
     FROM commerce_usage AS u
     WHERE ${WITHIN} OR u.submission_id IN (
       SELECT arrayJoin(u.carries) FROM commerce_usage AS u WHERE ${WITHIN})`,
    params,
  );
  const lost = await readLostCarries(client);
  const windows = await queryRows<WindowRow>(
    client,
    `SELECT toUnixTimestamp(reported_hour) AS hour, resource_key AS resource, meter_key AS meter,
       subscription_key AS subscription, toString(sum(u.quantity)) AS quantity
     FROM usage_closed_hours AS u
     WHERE (topic, epoch) IN (SELECT topic, epoch FROM sources FINAL WHERE billable) AND ${WITHIN}
     GROUP BY reported_hour, resource_key, meter_key, subscription_key`,
    params,
  );
  return {
    windows: billable(windows, terms),
    submissions: submissions.map((row) => ({
      ...billedOf(row),
      submissionId: row.id,
      outcome: row.outcome,
      reason: row.reason,
      carries: row.carries,
      isCarriedOn: row.carried_on === 1,
      isLost: lost.has(row.id),
    })),
  };
};

const billedOf = (row: BilledRow): Billed => ({
  hour: hourFromSeconds(row.hour),
  resourceKey: row.resource,
  dimensionKey: row.dimension,
  quantity: quantityFromText(row.quantity),
});

interface KnownTerms {
  readonly meters: ReadonlyMap<string, MeterTerms>;
  readonly infrastructure: ReadonlySet<string>;
}

/**
 * Leaves out known meters and subscriptions that are not billed, and adds up the meters of one dimension.
 * Unknown meters are submitted and held.
 */
const billable = (
  windows: readonly WindowRow[],
  terms: readonly BillingTerms[],
): readonly Billed[] => {
  const known = new Map<BillingTerms, KnownTerms>(
    terms.map((each) => [
      each,
      { meters: meterTerms(each), infrastructure: new Set(each.infrastructure) },
    ]),
  );
  const sums = new Map<string, Billed>();
  for (const window of windows) {
    const found = termsOf(terms, hourFromSeconds(window.hour));
    const inForce = found && known.get(found);
    if (!inForce || inForce.infrastructure.has(window.subscription)) continue;
    const meter = inForce.meters.get(window.meter);
    if (meter?.billable === false) continue;
    const billed = billedOf({ ...window, dimension: asciiLower(meter?.dimension ?? window.meter) });
    const key = `${String(billed.hour)}\0${billed.resourceKey}\0${billed.dimensionKey}`;
    const { quantity } = billed;
    const before = sums.get(key);
    sums.set(
      key,
      before ? { ...before, quantity: addQuantities(before.quantity, quantity) } : billed,
    );
  }
  return [...sums.values()];
};

/**
 * "No difference" means something only if there was something to compare.
 * @throws UserError if no hour of a billable source is closed, or nothing says yet what is billable
 */
export const refuseNothingToCompare = async (
  client: ClickHouseClient,
  { from, end }: HourSpan,
): Promise<void> => {
  const [row] = await queryRows<{ readonly closed: string; readonly terms: string }>(
    client,
    `SELECT toString(count()) AS closed,
       (SELECT toString(count()) FROM billing_terms) AS terms
     FROM (SELECT * FROM checkpoints FINAL) AS c
     INNER JOIN (SELECT * FROM sources FINAL) AS s ON s.topic = c.topic AND s.epoch = c.epoch
     WHERE s.billable AND (s.kind = 'live' OR s.state = 'sealed')
       AND c.open_hour > greatest(s.first_hour, toDateTime({from:UInt32}, 'UTC'))
       AND s.first_hour < toDateTime({end:UInt32}, 'UTC')`,
    { from: from / 1000, end: end / 1000 },
  );
  if (row?.closed === '0') {
    throw new UserError(
      'Nothing could be compared: no hour of a billable source is closed in this range. See "usagectl status", and check that CLICKHOUSE_URL and CLICKHOUSE_DATABASE name the right database',
    );
  }
  if (row?.terms === '0') {
    throw new UserError(
      'Nothing could be compared: the bridge has never run here, so nothing says which meters are billed. Start it, with COMMERCE_REGISTRATION_FILE',
    );
  }
};
