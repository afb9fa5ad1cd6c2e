import { asciiLower } from '../../../shared/model/placement.ts';
import { usageMonthOf } from '../../../shared/model/usage-months.ts';
import type { Names } from './names.ts';
import type { PricedLine } from './pricing.ts';

/** Which part of a bill is shown. Null and empty texts let everything pass. */
export interface Selection {
  readonly registration: string | null;
  /** Who pays. */
  readonly customer: string | null;
  /** Any part of the id of a local subscription. */
  readonly subscription: string;
  /** Any part of the name or id of a meter. */
  readonly meter: string;
  /** Any part of a resource's id. */
  readonly resource: string;
}

export const selectLines = (
  lines: readonly PricedLine[],
  { registration, customer, subscription, meter, resource }: Selection,
  names: Names,
): readonly PricedLine[] => {
  const has = (text: string, part: string): boolean => asciiLower(text).includes(asciiLower(part));
  const isSame = (text: string, wanted: string | null): boolean =>
    wanted === null || asciiLower(text) === asciiLower(wanted);
  return lines.filter(
    (line) =>
      isSame(line.registration, registration) &&
      isSame(line.billedTo, customer) &&
      has(line.tenantSubscription ?? '', subscription) &&
      (has(line.dimension, meter) || has(names.meter(line.dimension), meter)) &&
      has(line.resource, resource),
  );
};

/** What lines have in common, and their sums. */
export interface Group {
  readonly key: string;
  /** Any of the lines: those of a group are equal in what they are grouped by. */
  readonly sample: PricedLine;
  /** Null where meters are mixed: their quantities cannot be added. */
  readonly quantity: bigint | null;
  readonly cost: bigint;
  /** The cost of usage of earlier months. */
  readonly lateCost: bigint;
  /** The number of different resources, and of different meters. */
  readonly resources: number;
  readonly meters: number;
  /** How many lines have no price and are in no cost. */
  readonly unpriced: number;
}

export const isLate = ({ day, usageMonth, credit }: PricedLine): boolean =>
  credit === null && usageMonth !== usageMonthOf(day);

export const costOf = (lines: readonly PricedLine[]): bigint =>
  lines.reduce((sum, { cost }) => sum + (cost ?? 0n), 0n);

export const resourceKeyOf = ({ resource }: PricedLine): string => asciiLower(resource);

/** The lines as one group. */
const groupOf = (key: string, lines: readonly [PricedLine, ...PricedLine[]]): Group => {
  const meters = new Set(lines.map(({ dimension }) => dimension)).size;
  return {
    key,
    sample: lines[0],
    quantity: meters === 1 ? lines.reduce((sum, { quantity }) => sum + quantity, 0n) : null,
    cost: costOf(lines),
    lateCost: costOf(lines.filter(isLate)),
    resources: new Set(lines.map(resourceKeyOf)).size,
    meters,
    unpriced: lines.filter(({ cost }) => cost === null).length,
  };
};

/** Groups lines, the most expensive group first. */
export const groupLines = (
  lines: readonly PricedLine[],
  keyOf: (line: PricedLine) => string,
): readonly Group[] => {
  const byKey = new Map<string, [PricedLine, ...PricedLine[]]>();
  for (const line of lines) {
    const key = keyOf(line);
    const same = byKey.get(key);
    if (same) same.push(line);
    else byKey.set(key, [line]);
  }
  return [...byKey]
    .map(([key, same]) => groupOf(key, same))
    .sort((a, b) => (a.cost === b.cost ? (a.key < b.key ? -1 : 1) : a.cost > b.cost ? -1 : 1));
};
