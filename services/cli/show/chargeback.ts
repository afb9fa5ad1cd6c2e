import {
  moneyText,
  NO_RATE,
  priceText,
  quantityText,
  tagText,
} from '../../operations/chargeback/statement-text.ts';
import type { Statement } from '../../operations/chargeback/statement.ts';
import { notCoveredText } from '../../operations/exports/hour-spans.ts';
import { isoText } from '../../shared/model/time.ts';
import { printable } from '../../shared/terminal/printable.ts';
import { formatTable } from '../../shared/terminal/table.ts';

/** A column of texts, its numbers to the right. */
const rightAligned = (texts: readonly string[]): readonly string[] => {
  const width = Math.max(0, ...texts.map(({ length }) => length));
  return texts.map((text) => text.padStart(width));
};

const linesTable = (statement: Statement): string => {
  const { tagName, currency, subscriptions } = statement;
  const lines = subscriptions.flatMap((each) => each.lines.map((line) => ({ each, line })));
  const quantities = rightAligned(lines.map(({ line }) => quantityText(line.quantity)));
  const prices = rightAligned(
    lines.map(({ line }) => (line.unitPrice === null ? NO_RATE : priceText(line.unitPrice))),
  );
  const costs = rightAligned(
    lines.map(({ line }) => (line.cost === null ? '-' : moneyText(line.cost))),
  );
  return formatTable(
    [
      'SUBSCRIPTION',
      ...(tagName === null ? [] : [printable(tagName.toUpperCase())]),
      'METER',
      'QUANTITY',
      'UNIT',
      'PRICE',
      currency,
    ],
    lines.map(({ each, line }, n) => [
      each.name,
      ...(tagName === null ? [] : [tagText(line.tag)]),
      line.meterName,
      quantities[n] ?? '',
      line.unit,
      prices[n] ?? '',
      costs[n] ?? '',
    ]),
    { whole: ['QUANTITY', 'PRICE', currency] },
  );
};

const totalsTable = ({ subscriptions, currency, cost }: Statement): string => {
  const costs = rightAligned([
    ...subscriptions.map((each) => moneyText(each.cost)),
    moneyText(cost),
  ]);
  return formatTable(
    ['SUBSCRIPTION', 'ID', currency],
    [
      ...subscriptions.map((each, n) => [each.name, each.subscriptionKey, costs[n] ?? '']),
      ['Total', '', costs.at(-1) ?? ''],
    ],
    { whole: ['ID', currency] },
  );
};

const adjustmentsTable = ({ adjustments }: Statement): string =>
  formatTable(
    ['ADJUSTED', 'SUBSCRIPTION', 'METER', 'USAGE HOUR', 'RESOURCE', 'REASON'],
    adjustments.map((each) => [
      quantityText(each.quantity),
      each.subscriptionKey,
      each.meterName,
      isoText(each.usageHour),
      each.resourceUri,
      each.reason,
    ]),
    { whole: ['ADJUSTED', 'SUBSCRIPTION'] },
  );

/** A statement for a terminal. */
export const formatStatement = (statement: Statement): string => {
  const { month, to, isWhole, notCovered, provider, subscriptions, adjustments, unrated } =
    statement;
  const time = `reported from ${isoText(month)} to ${isoText(to)}${isWhole ? '' : ' (the month so far)'}`;
  return [
    `${printable(provider)}: charges for usage ${time}.`,
    ...(subscriptions.length === 0
      ? ['Nothing was reported.']
      : ['', linesTable(statement), '', totalsTable(statement)]),
    ...(adjustments.length === 0
      ? []
      : ['', 'Usage that was reported wrongly was adjusted. The lines have it already:', '']),
    ...(adjustments.length === 0 ? [] : [adjustmentsTable(statement)]),
    ...(notCovered.length === 0 ? [] : ['', notCoveredText(notCovered)]),
    ...(unrated === 0
      ? []
      : [
          '',
          `Lines without a rate: ${String(unrated)}. They are in no total: add their meters to the rate file.`,
        ]),
  ].join('\n');
};
