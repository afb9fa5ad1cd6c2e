import { quantityFromDouble } from '../../../shared/billing/double.ts';
import {
  addQuantities,
  parseQuantity,
  ZERO,
  type Quantity,
} from '../../../shared/model/decimal.ts';
import { asciiLower } from '../../../shared/model/placement.ts';
import { dayOf, HOUR_MILLIS, type Day } from '../../../shared/model/time.ts';
import { usageMonthOf, type UsageMonths } from '../../../shared/model/usage-months.ts';
import type { Credit } from '../credits.ts';
import { resourceName, type AcceptedEvent } from '../metering-event.ts';

/**
 * What was accepted for one payer, local subscription, meter and resource, reported on one UTC day and used in
 * one month. Days are the unit of the bill: prices change at UTC midnight only.
 */
export interface BillLine {
  readonly day: Day;
  readonly registration: string;
  readonly billedTo: string;
  /** Null if the events do not say. */
  readonly tenantSubscription: string | null;
  /** In lower case. */
  readonly dimension: string;
  /** In the spelling of the first event. */
  readonly resource: string;
  /** `2026-11`: the month of the usage. Another one than that of `day` is late usage. */
  readonly usageMonth: string;
  /** Below zero for a credit. */
  readonly quantity: Quantity;
  /** Why it was granted, if it is a credit; null for usage. */
  readonly credit: string | null;
}

/**
 * The quantity of an event by month of usage. The bill is about the double that was accepted: the parts of
 * earlier months are exact, and the month of the event has the rest. If all was used earlier, the last of these
 * months has the rest, because a rest of a double's last digit is no usage of its own.
 */
export const partsOf = (event: AcceptedEvent): UsageMonths => {
  const accepted = quantityFromDouble(event.quantity);
  const own = usageMonthOf(event.hour);
  const said = event.additionalInfo?.usageMonths ?? [];
  const hasOwn = said.length === 0 || said.some(({ month }) => month === own);
  const late = said
    .filter(({ month }) => month !== own)
    .map(({ month, quantity }) => ({ month, quantity: parseQuantity(quantity) ?? ZERO }))
    .sort((a, b) => (a.month < b.month ? -1 : 1));
  const given = hasOwn ? late : late.slice(0, -1);
  const rest = given.reduce<bigint>((left, { quantity }) => left - quantity, accepted) as Quantity;
  const rests = { month: hasOwn ? own : (late.at(-1)?.month ?? own), quantity: rest };
  return [...given, rests].filter(({ quantity }) => quantity !== 0n);
};

/** Adds up events to lines. Every event is in exactly one line for each of its months. */
export class BillLines {
  private readonly lines = new Map<string, BillLine>();
  private eventCount = 0;

  add(event: AcceptedEvent): void {
    this.eventCount++;
    const day = dayOf(event.hour, HOUR_MILLIS);
    const dimension = asciiLower(event.dimension);
    const resource = resourceName(event.resource);
    const { registration, billedTo, tenantSubscription } = event;
    for (const { month: usageMonth, quantity } of partsOf(event)) {
      const key = [
        day,
        registration,
        billedTo,
        tenantSubscription ?? '',
        dimension,
        asciiLower(resource),
        usageMonth,
      ].join('\0');
      const earlier = this.lines.get(key);
      this.lines.set(
        key,
        earlier
          ? { ...earlier, quantity: addQuantities(earlier.quantity, quantity) }
          : {
              day,
              registration,
              billedTo,
              tenantSubscription,
              dimension,
              resource,
              usageMonth,
              quantity,
              credit: null,
            },
      );
    }
  }

  /** Adds a credit, which is a line of its own. */
  addCredit(credit: Credit): void {
    this.lines.set(`credit\0${credit.id}`, {
      day: dayOf(credit.grantedAt, HOUR_MILLIS),
      registration: credit.registration,
      billedTo: credit.billedTo,
      tenantSubscription: credit.tenantSubscription,
      dimension: asciiLower(credit.dimension),
      resource: credit.resourceUri,
      usageMonth: credit.usageMonth,
      quantity: (0n - credit.quantity) as Quantity,
      credit: credit.reason,
    });
  }

  /** How many events are in them. */
  get events(): number {
    return this.eventCount;
  }

  all(): readonly BillLine[] {
    return [...this.lines.values()];
  }
}
