import { decimalText, QUANTITY_SCALE } from '../../../shared/model/decimal.ts';
import { PRICE_SCALE } from '../../../operations/rates/rate-book.ts';
import { isoText } from '../../../shared/model/time.ts';
import { usageMonthOf } from '../../../shared/model/usage-months.ts';
import type { Body } from '../answers.ts';
import { exactAmount } from './amounts.ts';
import { costOf, groupLines, isLate, resourceKeyOf, type Group } from './bill.ts';
import type { BillPage } from './bill-view.ts';
import type { PricedLine } from './pricing.ts';

/** The costs of a month for programs. Amounts and quantities are exact decimals as text. */
export const billJson = ({ query, months, lines, names, currency }: BillPage): Body => {
  const grouped = (
    keyOf: (line: PricedLine) => string,
    fields: (group: Group) => Body,
  ): readonly Body[] =>
    groupLines(lines, keyOf).map((group) => ({
      ...fields(group),
      ...(group.quantity !== null && { quantity: decimalText(group.quantity, QUANTITY_SCALE) }),
      cost: exactAmount(group.cost),
      ...(group.unpriced > 0 && { hasUnpriced: true }),
    }));
  const meterOf = ({ dimension, unitPrice }: PricedLine): Body => ({
    meter: dimension,
    name: names.meter(dimension),
    unit: names.unit(dimension),
    price: unitPrice === null ? null : decimalText(unitPrice, PRICE_SCALE),
  });
  const late = lines.filter(isLate);
  return {
    month: usageMonthOf(query.month),
    basis: 'reported time',
    months: months.map(usageMonthOf),
    currency,
    cost: exactAmount(costOf(lines)),
    lateCost: exactAmount(costOf(late)),
    customers: grouped(
      ({ registration, billedTo }) => `${registration}\0${billedTo}`,
      ({ sample: { registration, billedTo } }) => ({
        registration,
        customer: billedTo,
        name: names.payer(billedTo),
      }),
    ),
    subscriptions: grouped(
      ({ tenantSubscription }) => tenantSubscription ?? '',
      ({ sample }) => ({ subscription: sample.tenantSubscription }),
    ),
    days: grouped(
      ({ day }) => isoText(day),
      ({ key }) => ({ day: key.slice(0, 10) }),
    ),
    meters: grouped(
      ({ dimension, unitPrice }) => `${dimension}\0${String(unitPrice)}`,
      ({ sample }) => meterOf(sample),
    ),
    resources: grouped(
      (line) => `${resourceKeyOf(line)}\0${line.dimension}\0${String(line.unitPrice)}`,
      ({ sample }) => ({
        resource: sample.resource,
        subscription: sample.tenantSubscription,
        ...meterOf(sample),
      }),
    ),
    usageMonths: grouped(
      ({ usageMonth, dimension, unitPrice }) => `${usageMonth}\0${dimension}\0${String(unitPrice)}`,
      ({ sample }) => ({ usageMonth: sample.usageMonth, ...meterOf(sample) }),
    ),
  };
};
