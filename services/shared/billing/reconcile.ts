import { addQuantities, ZERO, type Quantity } from '../model/decimal.ts';
import { asciiLower, resourceKey } from '../model/placement.ts';
import type { Hour } from '../model/time.ts';
import type { Holding } from './commerce-holdings.ts';
import { isSameDouble, quantityFromDouble } from './double.ts';

/** A quantity of one resource and dimension in one reported hour. */
export interface Billed {
  readonly hour: Hour;
  readonly resourceKey: string;
  readonly dimensionKey: string;
  readonly quantity: Quantity;
}

/** A submission that counts, with its outcome. */
export interface Submitted extends Billed {
  readonly submissionId: string;
  readonly outcome: string;
  /** Why Commerce refused it, in its own words; empty if it did not. */
  readonly reason: string;
  /** The carried submissions that it contains. */
  readonly carries: readonly string[];
  /** Whether it was carried and a later submission contains its quantity. */
  readonly isCarriedOn: boolean;
  /** Whether it was carried, no submission contains its quantity, and the hour that should have is composed. */
  readonly isLost: boolean;
}

export interface BillingSides {
  /** The billable part of the closed windows. */
  readonly windows: readonly Billed[];
  readonly submissions: readonly Submitted[];
  /** Null if Commerce was not asked. Then the other two sides alone are compared. */
  readonly holdings: readonly Holding[] | null;
}

/** Reported hours from `from` up to but not including `end`. */
export interface HourSpan {
  readonly from: Hour;
  readonly end: Hour;
}

/** All hours that ClickHouse's `DateTime` can hold. */
export const ALL_HOURS: HourSpan = { from: 0 as Hour, end: (0xffff_ffff * 1000) as Hour };

export type DifferenceKind =
  | 'not-composed' // closed usage that is in no submission: the bridge lags or has halted
  | 'wrong-submission' // a submission holds another quantity than its windows and carries
  | 'lost-carry' // it was carried, and the later hours do not have it
  | 'refused' // Commerce accepted it for no hour: it is billable but not billed
  | 'not-at-commerce' // it counts as accepted, but Commerce has nothing for it
  | 'wrong-at-commerce' // Commerce holds another quantity
  | 'only-at-commerce'; // Commerce holds usage that was not to be billed

export interface Difference {
  readonly kind: DifferenceKind;
  readonly hour: Hour;
  readonly resourceKey: string;
  readonly dimensionKey: string;
  readonly expected: Quantity;
  readonly found: Quantity;
  /** The reason in the words of Commerce; empty if there is none. */
  readonly reason: string;
}

/**
 * Why submitted usage is not billed, or not yet: Commerce refused it for good; its meter is unknown; it has
 * not been sent yet; it goes into a later hour that is not composed yet; the stamp does not report; it is
 * below zero.
 */
export const UNBILLED = [
  'dead-lettered',
  'held',
  'pending',
  'carried',
  'not-reported',
  'credit',
] as const;
export type Unbilled = (typeof UNBILLED)[number];

/** Submissions of one dimension that are not billed. */
export interface UnbilledTotal {
  readonly dimensionKey: string;
  readonly why: Unbilled;
  readonly submissions: number;
  readonly quantity: Quantity;
}

/**
 * The totals of one dimension on the three sides. Nothing is accepted if Commerce was not asked. Usage that
 * Commerce no longer accepted for its own hour moves into a later hour and is submitted there: `submitted =
 * windows + carriedIn - carriedOn`.
 */
export interface DimensionTotals {
  readonly dimensionKey: string;
  readonly windows: Quantity;
  /** Quantities of other hours that these submissions contain. */
  readonly carriedIn: Quantity;
  /** Quantities of these hours that are, or will be, submitted in later hours. */
  readonly carriedOn: Quantity;
  /** Without what was carried on. */
  readonly submitted: Quantity;
  readonly accepted: Quantity;
}

export interface Reconciliation {
  /** The number of compared combinations of resource, dimension and hour. */
  readonly compared: number;
  readonly dimensions: readonly DimensionTotals[];
  readonly unbilled: readonly UnbilledTotal[];
  readonly differences: readonly Difference[];
}

const keyOf = ({ hour, resourceKey: resource, dimensionKey }: Omit<Billed, 'quantity'>): string =>
  `${String(hour)}\0${resource}\0${dimensionKey}`;

const isAtCommerce = (outcome: string): boolean =>
  outcome === 'accepted' || outcome === 'duplicate' || outcome === 'mismatch';

type Group = readonly [Submitted, ...Submitted[]];

/** By resource, dimension and hour. Where two sources have usage of one, one of them sends it, and the other carries it. */
const groupsOf = (submissions: readonly Submitted[]): ReadonlyMap<string, Group> => {
  const groups = new Map<string, Group>();
  for (const each of submissions) {
    const key = keyOf(each);
    groups.set(key, [each, ...(groups.get(key) ?? [])]);
  }
  return groups;
};

/** The one of them that Commerce holds, or may hold. */
const sentOf = (group: readonly Submitted[]): Submitted | undefined =>
  group.find(({ outcome }) => isAtCommerce(outcome)) ??
  group.find(({ outcome }) => outcome === 'pending');

interface HeldUsage extends Billed {
  /** Commerce holds the double of what was submitted: it counts with that quantity. */
  readonly isOurs: boolean;
}

const heldByKey = (
  holdings: readonly Holding[],
  submissionsOf: ReadonlyMap<string, Group>,
): ReadonlyMap<string, HeldUsage> => {
  const held = new Map<string, HeldUsage>();
  for (const { hour, resourceUri, dimension, quantity } of holdings) {
    const at = { hour, resourceKey: resourceKey(resourceUri), dimensionKey: asciiLower(dimension) };
    const key = keyOf(at);
    const group = submissionsOf.get(key) ?? [];
    const ours = (sentOf(group) ?? group[0])?.quantity;
    const isOurs = ours !== undefined && isSameDouble(ours, quantity);
    held.set(key, { ...at, isOurs, quantity: isOurs ? ours : quantityFromDouble(quantity) });
  }
  return held;
};

const unbilledOf = ({ outcome, isCarriedOn }: Submitted): Unbilled | null =>
  isCarriedOn ? null : (UNBILLED.find((why) => why === outcome) ?? null);

/**
 * Compares, for each resource, dimension and hour, what the closed windows hold, what was submitted, and
 * what Commerce says it has. There is no difference if everything is billed exactly once. Usage that waits
 * to be billed is not a difference; usage that Commerce refused for good is one, and carried usage that is lost. Commerce keeps doubles: if
 * it holds the double of the submitted quantity, it counts with that quantity in the totals. All other
 * comparisons are exact. The sides may hold more than the compared hours: what is carried into them.
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
    reason = '',
  ): void => {
    const { hour, resourceKey: resource, dimensionKey } = at;
    differences.push({ kind, hour, resourceKey: resource, dimensionKey, expected, found, reason });
  };

  const windowOf = new Map(windows.map((window) => [keyOf(window), window]));
  const submissionsOf = groupsOf(submissions);
  const quantities = new Map(sides.submissions.map((each) => [each.submissionId, each.quantity]));
  const held = heldByKey(holdings, submissionsOf);

  for (const [key, window] of windowOf) {
    if (!submissionsOf.has(key)) differ('not-composed', window, window.quantity, ZERO);
  }
  for (const [key, group] of submissionsOf) {
    const inside = group
      .flatMap(({ carries }) => carries.map((id) => quantities.get(id) ?? ZERO))
      .reduce(addQuantities, windowOf.get(key)?.quantity ?? ZERO);
    const [first] = group;
    const submitted = group.map(({ quantity }) => quantity).reduce(addQuantities, ZERO);
    if (inside !== submitted) differ('wrong-submission', first, inside, submitted);
    for (const each of group) {
      if (each.isLost) differ('lost-carry', each, each.quantity, ZERO);
      if (each.outcome !== 'dead-lettered') continue;
      differ('refused', each, each.quantity, ZERO, each.reason);
    }
    if (sides.holdings === null) continue;
    const sent = sentOf(group);
    const holding = held.get(key);
    for (const each of group) {
      if (!isAtCommerce(each.outcome) || (holding && each === sent)) continue;
      differ('not-at-commerce', each, each.quantity, ZERO);
    }
    if (holding && !sent) differ('only-at-commerce', first, ZERO, holding.quantity);
    if (holding && sent && !holding.isOurs) {
      differ('wrong-at-commerce', sent, sent.quantity, holding.quantity);
    }
  }
  for (const [key, holding] of held) {
    if (!submissionsOf.has(key)) differ('only-at-commerce', holding, ZERO, holding.quantity);
  }
  return {
    compared: new Set([...windowOf.keys(), ...submissionsOf.keys(), ...held.keys()]).size,
    dimensions: totalsOf(windows, submissions, quantities, [...held.values()]),
    // What is lost goes into no later hour: it is a difference, and nothing else.
    unbilled: unbilledTotals(submissions.filter(({ isLost }) => !isLost)),
    differences,
  };
};

class Sums {
  private readonly sums = new Map<string, Quantity>();

  add(dimensionKey: string, quantity: Quantity): void {
    this.sums.set(dimensionKey, addQuantities(this.of(dimensionKey), quantity));
  }

  of(dimensionKey: string): Quantity {
    return this.sums.get(dimensionKey) ?? ZERO;
  }

  get names(): readonly string[] {
    return [...this.sums.keys()];
  }
}

const totalsOf = (
  windows: readonly Billed[],
  submissions: readonly Submitted[],
  quantities: ReadonlyMap<string, Quantity>,
  holdings: readonly Billed[],
): readonly DimensionTotals[] => {
  const [ofWindows, carriedIn, carriedOn, submitted, accepted] = [
    new Sums(),
    new Sums(),
    new Sums(),
    new Sums(),
    new Sums(),
  ];
  for (const { dimensionKey, quantity } of windows) ofWindows.add(dimensionKey, quantity);
  for (const { dimensionKey, quantity } of holdings) accepted.add(dimensionKey, quantity);
  for (const { dimensionKey, quantity, outcome, carries } of submissions) {
    (outcome === 'carried' ? carriedOn : submitted).add(dimensionKey, quantity);
    for (const id of carries) carriedIn.add(dimensionKey, quantities.get(id) ?? ZERO);
  }
  const names = [ofWindows, carriedOn, submitted, accepted].flatMap((sums) => sums.names);
  return [...new Set(names)].sort().map((dimensionKey) => ({
    dimensionKey,
    windows: ofWindows.of(dimensionKey),
    carriedIn: carriedIn.of(dimensionKey),
    carriedOn: carriedOn.of(dimensionKey),
    submitted: submitted.of(dimensionKey),
    accepted: accepted.of(dimensionKey),
  }));
};

const unbilledTotals = (submissions: readonly Submitted[]): readonly UnbilledTotal[] => {
  const totals = new Map<string, UnbilledTotal>();
  for (const each of submissions) {
    const why = unbilledOf(each);
    if (why === null) continue;
    const { dimensionKey, quantity } = each;
    const key = `${why}\0${dimensionKey}`;
    const before = totals.get(key);
    totals.set(key, {
      dimensionKey,
      why,
      submissions: (before?.submissions ?? 0) + 1,
      quantity: addQuantities(before?.quantity ?? ZERO, quantity),
    });
  }
  return [...totals.values()].sort(
    (a, b) =>
      UNBILLED.indexOf(a.why) - UNBILLED.indexOf(b.why) ||
      (a.dimensionKey < b.dimensionKey ? -1 : 1),
  );
};
