import type { Millis } from '../../shared/model/time.ts';
import { tagNamed, tagsOf, type TagValue } from '../exports/tags.ts';
import type { HourSpan } from '../exports/hour-spans.ts';
import type { ExportContext, PricedBy } from '../exports/layouts/export-context.ts';
import { invoiceId } from '../rates/rate-book.ts';
import type { DayUsage, MonthAdjustment } from './read-month.ts';

/** What a subscription pays for one meter, at one price, under one value of the tag. */
export interface ChargeLine {
  readonly meterKey: string;
  readonly meterName: string;
  readonly unit: string;
  /** The value of the tag by which the statement is divided; null if it is not divided, or the usage does not have that tag. */
  readonly tag: TagValue | null;
  /** In units of 10^-30. */
  readonly quantity: bigint;
  /** In units of 10^-10 of the currency; null if there is no rate. */
  readonly unitPrice: bigint | null;
  /** Price × quantity, in units of 10^-40; null if there is no rate. */
  readonly cost: bigint | null;
}

export interface SubscriptionCharges {
  readonly subscriptionKey: string;
  readonly name: string;
  readonly lines: readonly ChargeLine[];
  readonly cost: bigint;
}

export interface ChargedAdjustment extends MonthAdjustment {
  readonly meterName: string;
}

/** The charges for everything that was reported in a month. */
export interface Statement {
  readonly month: Millis;
  /** The end of the reported time in it, exclusive: the end of the month, or less for a month to date. */
  readonly to: Millis;
  readonly isWhole: boolean;
  /** Parts of that time for which no source answers: what was used there is not in it. */
  readonly notCovered: readonly HourSpan[];
  /** As in an export with the layout of FOCUS. */
  readonly invoiceId: string;
  readonly currency: string;
  readonly provider: string;
  /** The name of the tag by which it is divided; null if it is not. */
  readonly tagName: string | null;
  readonly subscriptions: readonly SubscriptionCharges[];
  /** The adjustments that are in the lines, in the order in which they were made. */
  readonly adjustments: readonly ChargedAdjustment[];
  readonly cost: bigint;
  /** The number of lines without a rate. */
  readonly unrated: number;
}

export type StatementTime = Pick<Statement, 'month' | 'to' | 'isWhole' | 'notCovered'>;

const tagOf = ({ tags }: DayUsage, tagName: string | null): TagValue | null =>
  tagName === null ? null : tagNamed(tagsOf(tags), tagName);

const newLine = (
  { meterKey }: DayUsage,
  tag: TagValue | null,
  unitPrice: bigint | null,
  { meterOf }: ExportContext,
): ChargeLine => {
  const meter = meterOf({ meterKey });
  return {
    meterKey,
    meterName: meter?.name ?? meterKey,
    unit: meter?.unit ?? '',
    tag,
    quantity: 0n,
    unitPrice,
    cost: unitPrice === null ? null : 0n,
  };
};

const withUsage = (line: ChargeLine, { quantity }: DayUsage): ChargeLine => {
  const total = line.quantity + quantity;
  return {
    ...line,
    quantity: total,
    cost: line.unitPrice === null ? null : line.unitPrice * total,
  };
};

const order = (a: ChargeLine, b: ChargeLine): number => {
  const texts = (line: ChargeLine): readonly string[] => [
    line.tag?.text ?? '',
    line.tag?.type ?? '',
    line.meterName,
    line.meterKey,
  ];
  const [left, right] = [texts(a), texts(b)];
  const at = left.findIndex((text, n) => text !== right[n]);
  if (at >= 0) return (left[at] ?? '') < (right[at] ?? '') ? -1 : 1;
  return (a.unitPrice ?? -1n) < (b.unitPrice ?? -1n) ? -1 : 1;
};

const costOf = (parts: readonly { readonly cost: bigint | null }[]): bigint =>
  parts.reduce((sum, { cost }) => sum + (cost ?? 0n), 0n);

/** Prices usage and adds it up: one line for each subscription, meter, value of the tag and price. */
export const statementOf = (
  usage: readonly DayUsage[],
  prices: PricedBy,
  context: ExportContext,
  tagName: string | null,
  time: StatementTime,
  adjustments: readonly MonthAdjustment[],
): Statement => {
  const bySubscription = new Map<string, Map<string, ChargeLine>>();
  for (const day of usage) {
    const { subscriptionKey, meterKey, usageDay } = day;
    const unitPrice = prices.of(meterKey, subscriptionKey, usageDay).contracted;
    const tag = tagOf(day, tagName);
    const lines = bySubscription.get(subscriptionKey) ?? new Map<string, ChargeLine>();
    bySubscription.set(subscriptionKey, lines);
    const name = JSON.stringify([meterKey, tag, unitPrice === null ? null : String(unitPrice)]);
    const line = lines.get(name) ?? newLine(day, tag, unitPrice, context);
    lines.set(name, withUsage(line, day));
  }
  const subscriptions = [...bySubscription].map(([subscriptionKey, byName]) => {
    const lines = [...byName.values()].sort(order);
    const name = context.subscriptionName({ subscriptionKey, subscriptionId: subscriptionKey });
    return { subscriptionKey, name, lines, cost: costOf(lines) };
  });
  return {
    ...time,
    invoiceId: invoiceId(prices.book, time.month),
    currency: prices.book.currency,
    provider: prices.book.provider,
    tagName,
    subscriptions,
    adjustments: adjustments.map((each) => ({
      ...each,
      meterName: context.meterOf(each)?.name ?? each.meterKey,
    })),
    cost: costOf(subscriptions),
    unrated: subscriptions
      .flatMap(({ lines }) => lines)
      .filter(({ unitPrice }) => unitPrice === null).length,
  };
};
