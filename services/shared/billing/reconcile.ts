import type { ClickHouseClient } from '@clickhouse/client';
import { queryRows } from '../clickhouse/client.ts';
import { addQuantities, parseQuantity, ZERO, type Quantity } from '../decimal.ts';
import { asciiLower, resourceKey } from '../placement.ts';
import type { Hour } from '../time.ts';
import { meterTerms, termsOf, type BillingTerms } from './billing-terms.ts';
import type { Holding } from './commerce-holdings.ts';
import { readTerms } from './terms-table.ts';

/** A quantity of one resource and dimension in one reported hour. */
interface Billed {
  readonly hour: Hour;
  readonly resourceKey: string;
  readonly dimensionKey: string;
  readonly quantity: Quantity;
}

/** A submission that counts, with what became of it. */
export interface Submitted extends Billed {
  readonly submissionId: string;
  readonly outcome: string;
  /** Submissions whose quantity is inside. */
  readonly carries: readonly string[];
}

export interface BillingSides {
  /** The billable part of the closed windows. */
  readonly windows: readonly Billed[];
  readonly submissions: readonly Submitted[];
  /** Null where Commerce was not asked: the other two are compared alone. */
  readonly holdings: readonly Holding[] | null;
}

/** Reported hours from the first on and before the end. */
export interface HourSpan {
  readonly from: Hour;
  readonly end: Hour;
}

/** All that ClickHouse's `DateTime` can hold. */
export const ALL_HOURS: HourSpan = { from: 0 as Hour, end: (0xffff_ffff * 1000) as Hour };

export type DifferenceKind =
  | 'not-composed' // closed usage that is in no submission: the bridge is behind, or halted
  | 'wrong-submission' // a submission holds another quantity than its windows and carries
  | 'not-at-commerce' // it counts as accepted, and Commerce has nothing of it
  | 'wrong-at-commerce' // Commerce holds another quantity
  | 'only-at-commerce'; // Commerce holds what was not to be billed

export interface Difference {
  readonly kind: DifferenceKind;
  readonly hour: Hour;
  readonly resourceKey: string;
  readonly dimensionKey: string;
  readonly expected: Quantity;
  readonly found: Quantity;
}

/** The three sides of one dimension, altogether; nothing is accepted where Commerce was not asked. */
export interface DimensionTotals {
  readonly dimensionKey: string;
  readonly windows: Quantity;
  readonly submitted: Quantity;
  readonly accepted: Quantity;
}

export interface Reconciliation {
  /** Resources, dimensions and hours that were compared. */
  readonly compared: number;
  readonly dimensions: readonly DimensionTotals[];
  readonly differences: readonly Difference[];
}

const keyOf = ({ hour, resourceKey: resource, dimensionKey }: Omit<Billed, 'quantity'>): string =>
  `${String(hour)}\0${resource}\0${dimensionKey}`;

const isAtCommerce = (outcome: string): boolean =>
  outcome === 'accepted' || outcome === 'duplicate' || outcome === 'mismatch';

/**
 * Compares, exactly and for each resource, dimension and hour, what the closed windows hold, what was
 * submitted, and what Commerce says it has. Nothing differs where all is billed, and nothing twice.
 * The sides may hold more than the hours that are compared: what is carried into them.
 */
export const reconcile = (sides: BillingSides, { from, end } = ALL_HOURS): Reconciliation => {
  const isCompared = ({ hour }: { readonly hour: Hour }): boolean => hour >= from && hour < end;
  const windows = sides.windows.filter(isCompared);
  const submissions = sides.submissions.filter(isCompared);
  const holdings = (sides.holdings ?? []).filter(isCompared);
  const differences: Difference[] = [];
  const differ = (
    kind: Difference['kind'],
    at: Omit<Billed, 'quantity'>,
    expected: Quantity,
    found: Quantity,
  ): void => {
    const { hour, resourceKey: resource, dimensionKey } = at;
    differences.push({ kind, hour, resourceKey: resource, dimensionKey, expected, found });
  };

  const windowOf = new Map(windows.map((window) => [keyOf(window), window]));
  const submissionOf = new Map(submissions.map((each) => [keyOf(each), each]));
  const quantities = new Map(sides.submissions.map((each) => [each.submissionId, each.quantity]));
  const held = new Map(
    holdings.map(({ hour, resourceUri, dimension, quantity }) => {
      const billed = {
        hour,
        resourceKey: resourceKey(resourceUri),
        dimensionKey: asciiLower(dimension),
        quantity,
      };
      return [keyOf(billed), billed];
    }),
  );

  for (const [key, window] of windowOf) {
    if (!submissionOf.has(key)) differ('not-composed', window, window.quantity, ZERO);
  }
  for (const [key, each] of submissionOf) {
    const inside = [windowOf.get(key)?.quantity ?? ZERO]
      .concat(each.carries.map((id) => quantities.get(id) ?? ZERO))
      .reduce(addQuantities);
    if (inside !== each.quantity) differ('wrong-submission', each, inside, each.quantity);
    if (sides.holdings === null) continue;
    const holding = held.get(key);
    if (!holding) {
      if (isAtCommerce(each.outcome)) differ('not-at-commerce', each, each.quantity, ZERO);
    } else if (!isAtCommerce(each.outcome) && each.outcome !== 'pending') {
      differ('only-at-commerce', each, ZERO, holding.quantity);
    } else if (holding.quantity !== each.quantity) {
      differ('wrong-at-commerce', each, each.quantity, holding.quantity);
    }
  }
  for (const [key, holding] of held) {
    if (!submissionOf.has(key)) differ('only-at-commerce', holding, ZERO, holding.quantity);
  }
  return {
    compared: new Set([...windowOf.keys(), ...submissionOf.keys(), ...held.keys()]).size,
    dimensions: totalsOf(windows, submissions, [...held.values()]),
    differences,
  };
};

const totalsOf = (
  windows: readonly Billed[],
  submissions: readonly Billed[],
  holdings: readonly Billed[],
): readonly DimensionTotals[] => {
  const sums = [windows, submissions, holdings].map((side) => {
    const totals = new Map<string, Quantity>();
    for (const { dimensionKey, quantity } of side) {
      totals.set(dimensionKey, addQuantities(totals.get(dimensionKey) ?? ZERO, quantity));
    }
    return totals;
  });
  const names = new Set(sums.flatMap((totals) => [...totals.keys()]));
  return [...names].sort().map((dimensionKey) => ({
    dimensionKey,
    windows: sums[0]?.get(dimensionKey) ?? ZERO,
    submitted: sums[1]?.get(dimensionKey) ?? ZERO,
    accepted: sums[2]?.get(dimensionKey) ?? ZERO,
  }));
};

interface BilledRow {
  readonly hour: number;
  readonly resource: string;
  readonly meter: string;
  readonly quantity: string;
}

const WITHIN = `u.reported_hour >= toDateTime({from:UInt32}, 'UTC') AND u.reported_hour < toDateTime({end:UInt32}, 'UTC')`;

const exact = (text: string): Quantity => {
  const quantity = parseQuantity(text);
  if (quantity === null) throw new Error(`ClickHouse gave "${text}" as a quantity`);
  return quantity;
};

/**
 * Reads the sides that ClickHouse holds, of all closed hours or of some: the windows of billable
 * sources, but for meters that the terms of their hour do not bill; the submissions, and those that
 * were carried into them.
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
      readonly carries: readonly string[];
    }
  >(
    client,
    `SELECT toString(submission_id) AS id, toUnixTimestamp(reported_hour) AS hour,
       resource_key AS resource, dimension_key AS meter, toString(u.quantity) AS quantity, outcome,
       arrayMap(id -> toString(id), u.carries) AS carries
     FROM commerce_usage AS u
     WHERE ${WITHIN} OR u.submission_id IN (
       SELECT arrayJoin(u.carries) FROM commerce_usage AS u WHERE ${WITHIN})`,
    params,
  );
  const windows = await queryRows<BilledRow>(
    client,
    `SELECT toUnixTimestamp(reported_hour) AS hour, resource_key AS resource, meter_key AS meter,
       toString(sum(u.quantity)) AS quantity
     FROM usage_closed_hours AS u
     WHERE (topic, epoch) IN (SELECT topic, epoch FROM sources FINAL WHERE billable) AND ${WITHIN}
     GROUP BY reported_hour, resource_key, meter_key`,
    params,
  );
  return {
    windows: billable(windows.map(billedOf), terms),
    submissions: submissions.map((row) => ({
      ...billedOf(row),
      submissionId: row.id,
      outcome: row.outcome,
      carries: row.carries,
    })),
  };
};

const billedOf = (row: BilledRow): Billed => ({
  hour: (row.hour * 1000) as Hour,
  resourceKey: row.resource,
  dimensionKey: row.meter,
  quantity: exact(row.quantity),
});

/** Without the meters that are known and not billed. Unknown ones are submitted, and held. */
const billable = (
  windows: readonly Billed[],
  terms: readonly BillingTerms[],
): readonly Billed[] => {
  const meters = new Map(terms.map((each) => [each.effectiveFrom, meterTerms(each)]));
  return windows.filter(({ hour, dimensionKey }) => {
    const found = termsOf(terms, hour);
    return found && meters.get(found.effectiveFrom)?.get(dimensionKey)?.billable !== false;
  });
};
