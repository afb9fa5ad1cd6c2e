import { DAY_MILLIS, isoText, type Millis } from '../../../shared/model/time.ts';
import { usageMonthOf } from '../../../shared/model/usage-months.ts';
import { amountText } from './amounts.ts';
import { costOf, groupLines, isLate, resourceKeyOf, type Group } from './bill.ts';
import {
  customerTable,
  dayTable,
  lateTable,
  meterTable,
  resourceTable,
  subscriptionTable,
} from './bill-tables.ts';
import type { BillPage } from './bill-view.ts';
import { html, type Html } from './html.ts';
import { layout, monthTitle } from './layout.ts';
import { daysIn, monthChart, type ChartSeries } from './month-chart.ts';
import { isNarrowed, portalAddress } from './portal-query.ts';
import type { PricedLine } from './pricing.ts';

/** The costs of a month: totals, a chart, and tables by everything that a customer may ask for. */
export const billPage = (page: BillPage): Html => {
  const { query, lines, currency } = page;
  return layout({
    title: `Costs of ${monthTitle(usageMonthOf(query.month))}`,
    place: 'bill',
    content: html`<div class="title">
        <h1>${monthTitle(usageMonthOf(query.month))}</h1>
        ${monthLinks(page)}
      </div>
      ${selectionForm(page)}
      ${
        lines.length === 0
          ? nothingFound(page)
          : html`${totals(page)}
              <section>
                <h2>Cost of each day <small>${currency}</small></h2>
                ${chart(page)}
              </section>
              ${customerTable(page)} ${subscriptionTable(page)} ${meterTable(page)}
              ${resourceTable(page)} ${lateTable(page)} ${dayTable(page)}`
      }
      ${basis(page)}`,
  });
};

const monthLinks = ({ query, months }: BillPage): Html => {
  const before = months.filter((month) => month < query.month).at(-1);
  const after = months.find((month) => month > query.month);
  const link = (month: Millis | undefined, text: string): Html =>
    month === undefined
      ? html`<span></span>`
      : html`<a href="${portalAddress('/portal', query, { month })}">${text}</a>`;
  return html`<nav class="months" aria-label="Months">
    ${link(before, before === undefined ? '' : `← ${monthTitle(usageMonthOf(before))}`)}
    ${link(after, after === undefined ? '' : `${monthTitle(usageMonthOf(after))} →`)}
  </nav>`;
};

const selectionForm = ({ query, months, all, names }: BillPage): Html => {
  const registrations = [...new Set(all.map(({ registration }) => registration))].sort();
  const customers = [...new Set(all.map(({ billedTo }) => billedTo))].sort();
  return html`<form method="get" action="/portal" role="search">
    ${choice('Month', 'month', usageMonthOf(query.month), [
      ...[...months].reverse().map((month): Option => {
        const name = usageMonthOf(month);
        return [name, monthTitle(name)];
      }),
    ])}
    ${choice('Registration', 'registration', query.registration ?? '', [
      ['', 'All registrations'],
      ...registrations.map((name): Option => [name, names.registration(name)]),
    ])}
    ${choice('Billed to', 'customer', query.customer ?? '', [
      ['', 'All customers'],
      ...customers.map((id): Option => [id, `${names.payer(id)} (${id.slice(0, 8)}…)`]),
    ])}
    ${search('Subscription', 'subscription', query.subscription, 'any part of its id')}
    ${search('Meter', 'meter', query.meter, 'any part of its name or id')}
    ${search('Resource', 'resource', query.resource, 'any part of its name or id')}
    <div class="actions">
      <button>Show</button>
      ${
        isNarrowed(query)
          ? html`<a
              href="${portalAddress('/portal', query, { subscription: '', meter: '', resource: '' })}"
              >Clear filters</a
            >`
          : null
      }
    </div>
  </form>`;
};

type Option = readonly [value: string, text: string];

const choice = (label: string, name: string, chosen: string, options: readonly Option[]): Html =>
  html`<label
    ><span>${label}</span>
    <select name="${name}">
      ${options.map(
        ([value, text]) =>
          html`<option value="${value}" ${value === chosen ? html`selected` : null}>
            ${text}
          </option>`,
      )}
    </select></label
  >`;

export const search = (label: string, name: string, value: string, hint: string): Html =>
  html`<label
    ><span>${label}</span>
    <input type="search" name="${name}" value="${value}" placeholder="${hint}" maxlength="1024"
  /></label>`;

const totals = ({ lines, currency }: BillPage): Html => {
  const late = costOf(lines.filter(isLate));
  const count = (keyOf: (line: PricedLine) => string): string =>
    new Set(lines.map(keyOf)).size.toLocaleString('en');
  return html`<dl class="totals">
    <div class="main">
      <dt>Total</dt>
      <dd>${amountText(costOf(lines))} <small>${currency}</small></dd>
    </div>
    <div>
      <dt>of it used in earlier months</dt>
      <dd>${amountText(late)}</dd>
    </div>
    <div>
      <dt>Subscriptions</dt>
      <dd>${count((line) => line.tenantSubscription ?? '')}</dd>
    </div>
    <div>
      <dt>Resources</dt>
      <dd>${count(resourceKeyOf)}</dd>
    </div>
    <div>
      <dt>Meters</dt>
      <dd>${count(({ dimension }) => dimension)}</dd>
    </div>
  </dl>`;
};

const chart = ({ lines, query, names, currency }: BillPage): Html => {
  const categories: readonly Group[] = groupLines(lines, (line) => names.category(line.dimension));
  const series = categories
    .filter(({ cost }) => cost > 0n)
    .map(({ key }): ChartSeries => {
      const costs = new Map<number, bigint>();
      for (const { day, dimension, cost } of lines) {
        if (names.category(dimension) !== key) continue;
        const number = Math.round((day - query.month) / DAY_MILLIS) + 1;
        costs.set(number, (costs.get(number) ?? 0n) + (cost ?? 0n));
      }
      return { name: key, costs };
    });
  if (series.length === 0) return html`<p class="soft">Nothing of this has a price above zero.</p>`;
  const drawn = (width: number, height: number): Html =>
    monthChart(query.month, series, { width, height }, currency);
  return html`<div class="chart">
    <div class="wide">${drawn(1000, 240)}</div>
    <div class="narrow">${drawn(360, 210)}</div>
    <ul class="legend">
      ${series.map(({ name }, at) => html`<li><i class="c${at % 8}"></i>${name}</li>`)}
    </ul>
    <p class="soft">${daysIn(query.month)} days, UTC, by the time at which usage was reported.</p>
  </div>`;
};

const nothingFound = ({ query }: BillPage): Html =>
  html`<div class="empty">
    <h2>Nothing is billed here</h2>
    <p>
      ${
        isNarrowed(query) || query.customer !== null || query.registration !== null
          ? html`Nothing in this month matches the selection.
              <a
                href="${portalAddress('/portal', query, {
                  registration: null,
                  customer: null,
                  subscription: '',
                  meter: '',
                  resource: '',
                })}"
                >Show all of the month</a
              >`
          : 'No usage was accepted for this month.'
      }
    </p>
  </div>`;

const basis = ({ uncharged, query, anyAge }: BillPage): Html =>
  html`<footer>
    <p>
      Basis: reported time, in UTC. Usage is billed in the month in which it was reported; usage of
      earlier months is part of that bill and listed by its month. Only accepted usage of meters
      that are charged is shown, each of it once. Amounts are rounded for display; totals are exact
      sums, rounded once. ${uncharged > 0 ? 'Meters that are not charged are left out.' : ''}
      ${anyAge ? 'Usage of any age is accepted here, so no month is ever final.' : ''} As of
      ${isoText(query.month).slice(0, 7)}:
      <a href="${portalAddress('/portal/bill.json', query)}">the same as JSON</a>.
    </p>
  </footer>`;
