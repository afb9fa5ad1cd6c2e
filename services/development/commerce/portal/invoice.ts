import { asciiLower } from '../../../shared/model/placement.ts';
import { nextMonth, type Millis } from '../../../shared/model/time.ts';
import { usageMonthOf } from '../../../shared/model/usage-months.ts';
import { costOf } from './bill.ts';
import type { MonthBill } from './month-bills.ts';
import type { PricedLine } from './pricing.ts';

/** One meter of one local subscription, at one price, used in one month. */
export interface InvoiceLine {
  readonly tenantSubscription: string | null;
  readonly dimension: string;
  readonly usageMonth: string;
  readonly unitPrice: bigint | null;
  readonly quantity: bigint;
  readonly cost: bigint | null;
  /** Why it was granted, if it is a credit; null for usage. */
  readonly credit: string | null;
}

export interface InvoicePart {
  /** A local subscription, or a month of usage. */
  readonly name: string;
  readonly lines: readonly InvoiceLine[];
  readonly cost: bigint;
}

export interface InvoiceOf {
  readonly registration: string;
  readonly billedTo: string;
}

/** What one payer owes for the usage that was reported in one month. Each part of it is in one list only. */
export interface Invoice extends InvoiceOf {
  readonly id: string;
  readonly month: Millis;
  /** The usage of the month itself, by local subscription. */
  readonly subscriptions: readonly InvoicePart[];
  /** Usage of earlier months that was reported late, by month of usage. */
  readonly late: readonly InvoicePart[];
  /** What Microsoft has granted in the month, below zero. */
  readonly credits: readonly InvoicePart[];
  readonly cost: bigint;
  readonly lateCost: bigint;
  readonly creditCost: bigint;
  readonly unpriced: number;
  /** From when on nothing can be added to it; null if that never comes, because usage of any age is accepted. */
  readonly finalFrom: Millis | null;
  readonly isFinal: boolean;
}

export interface InvoiceTime {
  readonly now: Millis;
  /** The greatest age of usage that is accepted; null for any. */
  readonly maxAgeMillis: number | null;
}

export const invoiceOf = (
  { month, lines }: MonthBill,
  { registration, billedTo }: InvoiceOf,
  { now, maxAgeMillis }: InvoiceTime,
): Invoice => {
  const all = lines.filter(
    (line) =>
      asciiLower(line.registration) === asciiLower(registration) && line.billedTo === billedTo,
  );
  const own = all.filter(({ credit }) => credit === null);
  const credits = all.filter(({ credit }) => credit !== null);
  const thisMonth = usageMonthOf(month);
  const isOwnMonth = ({ usageMonth }: PricedLine): boolean => usageMonth === thisMonth;
  const late = own.filter((line) => !isOwnMonth(line));
  const finalFrom = maxAgeMillis === null ? null : ((nextMonth(month) + maxAgeMillis) as Millis);
  return {
    registration,
    billedTo,
    id: `${thisMonth}-${billedTo.slice(0, 8)}`,
    month,
    subscriptions: parts(own.filter(isOwnMonth), (line) => line.tenantSubscription ?? ''),
    late: parts(late, ({ usageMonth }) => usageMonth),
    credits: parts(credits, ({ tenantSubscription }) => tenantSubscription ?? ''),
    cost: costOf(all),
    lateCost: costOf(late),
    creditCost: costOf(credits),
    unpriced: all.filter(({ cost }) => cost === null).length,
    finalFrom,
    isFinal: finalFrom !== null && now >= finalFrom,
  };
};

const parts = (
  lines: readonly PricedLine[],
  nameOf: (line: PricedLine) => string,
): readonly InvoicePart[] => {
  const byName = new Map<string, PricedLine[]>();
  for (const line of lines) {
    const name = nameOf(line);
    byName.set(name, [...(byName.get(name) ?? []), line]);
  }
  return [...byName]
    .sort(([a], [b]) => (a < b ? -1 : 1))
    .map(([name, own]) => ({ name, lines: invoiceLines(own), cost: costOf(own) }));
};

/** Adds up days and resources. */
const invoiceLines = (lines: readonly PricedLine[]): readonly InvoiceLine[] => {
  const sums = new Map<string, InvoiceLine>();
  for (const line of lines) {
    const { tenantSubscription, dimension, usageMonth, unitPrice, quantity, cost, credit } = line;
    const key = [tenantSubscription, dimension, usageMonth, String(unitPrice), credit].join('\0');
    const sum = sums.get(key);
    sums.set(key, {
      tenantSubscription,
      dimension,
      usageMonth,
      unitPrice,
      quantity: (sum?.quantity ?? 0n) + quantity,
      cost: cost === null ? null : (sum?.cost ?? 0n) + cost,
      credit,
    });
  }
  return [...sums].sort(([a], [b]) => (a < b ? -1 : 1)).map(([, line]) => line);
};

/** All lines, in the order in which they are shown. */
export const linesOfInvoice = ({ subscriptions, late, credits }: Invoice): readonly InvoiceLine[] =>
  [...subscriptions, ...late, ...credits].flatMap(({ lines }) => lines);
