import { isoText } from '../../shared/model/time.ts';
import { notCoveredText } from '../exports/hour-spans.ts';
import { moneyText, NO_RATE, priceText, quantityText, tagText } from './statement-text.ts';
import type { ChargeLine, Statement, SubscriptionCharges } from './statement.ts';

const ENTITIES: Readonly<Record<string, string>> = {
  '&': '&amp;',
  '<': '&lt;',
  '>': '&gt;',
  '"': '&quot;',
  "'": '&#39;',
};

/** Names and tags are of others: nothing in them is markup, and no sign turns the direction of the text. */
const escaped = (text: string): string =>
  text.replace(/[&<>"']/g, (char) => ENTITIES[char] ?? '').replace(/\p{C}/gu, '\uFFFD');

const STYLE = `
:root { --ink: #1b2430; --soft: #5c6875; --line: #dfe4ea; --tint: #f5f7fa; --accent: #0b5cad; }
* { box-sizing: border-box; }
body { margin: 0; background: #eceff3; color: var(--ink); font: 14px/1.45 system-ui, "Segoe UI", "Liberation Sans", Arial, sans-serif; }
main { max-width: 60rem; margin: 2rem auto; padding: 2.5rem 3rem; background: #fff; box-shadow: 0 1px 6px rgb(0 0 0 / 12%); }
header { display: flex; justify-content: space-between; align-items: flex-end; gap: 2rem; padding-bottom: 1.25rem; border-bottom: 3px solid var(--accent); }
h1 { margin: 0; font-size: 1.7rem; line-height: 1.2; }
h2 { margin: 0; font-size: 1.15rem; overflow-wrap: anywhere; }
p { margin: .25rem 0; color: var(--soft); }
.total { text-align: right; white-space: nowrap; }
.total strong { display: block; color: var(--accent); font-size: 1.7rem; line-height: 1.2; }
section { margin-top: 2.25rem; }
.title { display: flex; justify-content: space-between; align-items: baseline; gap: 2rem; }
.id { font-size: .8rem; }
table { width: 100%; margin-top: .75rem; border-collapse: collapse; }
th { padding: .4rem .6rem; border-bottom: 2px solid var(--line); color: var(--soft); font-size: .78rem; font-weight: 600; text-align: left; }
td { padding: .4rem .6rem; border-bottom: 1px solid var(--line); vertical-align: top; overflow-wrap: anywhere; }
tfoot td { border-bottom: 0; background: var(--tint); font-weight: 600; }
.number { text-align: right; white-space: nowrap; font-variant-numeric: tabular-nums; }
.missing { color: #a33; }
.note { margin-top: 2.25rem; padding-top: .75rem; border-top: 1px solid var(--line); font-size: .82rem; }
.warning { margin-top: 1.25rem; padding: .6rem .9rem; border-left: 4px solid #d98e04; background: #fff8e8; color: var(--ink); }
@media print {
  @page { margin: 16mm; }
  body { background: #fff; font-size: 11px; }
  main { max-width: none; margin: 0; padding: 0; box-shadow: none; }
  section.subscription { break-before: page; margin-top: 0; }
  thead { display: table-header-group; }
  tr { break-inside: avoid; }
}
`;

const MONTHS = [
  'January',
  'February',
  'March',
  'April',
  'May',
  'June',
  'July',
  'August',
  'September',
  'October',
  'November',
  'December',
] as const;

const monthName = ({ month }: Statement): string => {
  const [year = '', number = ''] = isoText(month).split('-');
  return `${MONTHS[Number(number) - 1] ?? ''} ${year}`;
};

const number = (text: string): string => `<td class="number">${escaped(text)}</td>`;
const missing = `<td class="number missing">${NO_RATE}</td>`;

const lineRow = (line: ChargeLine, tagName: string | null): string =>
  `<tr>${tagName === null ? '' : `<td>${escaped(tagText(line.tag))}</td>`}<td>${escaped(line.meterName)}</td>` +
  number(quantityText(line.quantity)) +
  `<td>${escaped(line.unit)}</td>` +
  (line.unitPrice === null ? missing : number(priceText(line.unitPrice))) +
  (line.cost === null ? number('–') : number(moneyText(line.cost))) +
  '</tr>';

const section = (charges: SubscriptionCharges, statement: Statement): string => {
  const { currency, tagName } = statement;
  return `
<section class="subscription" id="${escaped(charges.subscriptionKey)}">
<div class="title"><h2>${escaped(charges.name)}</h2></div>
<p class="id">Subscription ${escaped(charges.subscriptionKey)}</p>
<table>
<thead><tr>${tagName === null ? '' : `<th>${escaped(tagName)}</th>`}<th>Meter</th><th class="number">Quantity</th><th>Unit</th><th class="number">Price</th><th class="number">${currency}</th></tr></thead>
<tbody>
${charges.lines.map((line) => lineRow(line, tagName)).join('\n')}
</tbody>
<tfoot><tr><td colspan="${tagName === null ? '4' : '5'}">Total</td>${number(moneyText(charges.cost))}</tr></tfoot>
</table>${adjusted(charges, statement)}
</section>`;
};

const adjusted = (charges: SubscriptionCharges, { adjustments }: Statement): string => {
  const own = adjustments.filter((each) => each.subscriptionKey === charges.subscriptionKey);
  if (own.length === 0) return '';
  const rows = own.map(
    (each) =>
      `<tr><td>${escaped(each.meterName)}</td>${number(quantityText(each.quantity))}<td>${isoText(each.usageHour)}</td>` +
      `<td>${escaped(each.resourceUri)}</td><td>${escaped(each.reason)}</td></tr>`,
  );
  return `
<p>Usage that was reported wrongly was adjusted. The lines above have it already.</p>
<table>
<thead><tr><th>Meter</th><th class="number">Adjusted by</th><th>Hour of the usage</th><th>Resource</th><th>Reason</th></tr></thead>
<tbody>
${rows.join('\n')}
</tbody>
</table>`;
};

const summary = ({ subscriptions, currency, cost }: Statement): string => `
<section>
<h2>Subscriptions</h2>
<table>
<thead><tr><th>Name</th><th>Subscription</th><th class="number">${currency}</th></tr></thead>
<tbody>
${subscriptions
  .map(
    (each) =>
      `<tr><td><a href="#${escaped(each.subscriptionKey)}">${escaped(each.name)}</a></td><td>${escaped(each.subscriptionKey)}</td>${number(moneyText(each.cost))}</tr>`,
  )
  .join('\n')}
</tbody>
<tfoot><tr><td colspan="2">Total</td>${number(moneyText(cost))}</tr></tfoot>
</table>
</section>`;

const warnings = ({ isWhole, to, notCovered, unrated }: Statement): string =>
  [
    ...(isWhole ? [] : [`The month is not over: this is what was reported before ${isoText(to)}.`]),
    ...(notCovered.length === 0 ? [] : [notCoveredText(notCovered)]),
    ...(unrated === 0
      ? []
      : [
          `${String(unrated)} ${unrated === 1 ? 'line has' : 'lines have'} no rate and ${unrated === 1 ? 'is' : 'are'} not in any total.`,
        ]),
  ]
    .map((text) => `<p class="warning">${escaped(text)}</p>`)
    .join('\n');

/** A statement as one HTML file that needs nothing else, for the screen and for paper: one subscription a page. */
export const statementPage = (statement: Statement): string => `<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>${escaped(`${statement.provider}: charges for ${monthName(statement)}`)}</title>
<style>${STYLE}</style>
</head>
<body>
<main>
<header>
<div><p>${escaped(statement.provider)}</p><h1>Charges for ${escaped(monthName(statement))}</h1><p class="id">${escaped(statement.invoiceId)}</p></div>
<div class="total"><p>Total</p><strong>${escaped(`${moneyText(statement.cost)} ${statement.currency}`)}</strong></div>
</header>
${warnings(statement)}
${summary(statement)}
${statement.subscriptions.map((each) => section(each, statement)).join('\n')}
<p class="note">Usage that was reported from ${isoText(statement.month)} to ${isoText(statement.to)} (end not included), in UTC. Usage that is reported late stands in the month in which it was reported, at the price of the day on which it was used. Amounts are rounded to two places where they are shown; totals are rounded after they were added up.</p>
</main>
</body>
</html>
`;
