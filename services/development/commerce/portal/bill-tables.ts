import { priceText, quantityText } from '../../../operations/chargeback/statement-text.ts';
import { isoText } from '../../../shared/model/time.ts';
import { amountText } from './amounts.ts';
import { costOf, groupLines, isLate, resourceKeyOf, type Group } from './bill.ts';
import type { BillPage } from './bill-view.ts';
import { html, type Html } from './html.ts';
import { monthTitle } from './layout.ts';
import { describeResource } from './names.ts';
import { portalAddress } from './portal-query.ts';

/** A table shows this many rows, and the others as one; the filters and the JSON have them all. */
const MOST_ROWS = 50;
const MOST_RESOURCES = 20;

interface Table {
  readonly title: string;
  readonly heads: Html;
  readonly groups: readonly Group[];
  readonly row: (group: Group) => Html;
  /** The cells before the cost, where a row sums up others. */
  readonly span: (label: string) => Html;
  /** What the rows are, where some are left out. */
  readonly what: string;
  readonly mostRows?: number;
}

const section = (
  page: BillPage,
  { title, heads, groups, row, span, what, mostRows = MOST_ROWS }: Table,
): Html => {
  const shown = groups.slice(0, mostRows);
  const others = groups.slice(mostRows);
  const left = others.reduce((sum, { cost }) => sum + cost, 0n);
  return html`<section>
    <h2>${title}</h2>
    <table>
      <thead>
        <tr>
          ${heads}
          <th class="number">${page.currency}</th>
        </tr>
      </thead>
      <tbody>
        ${shown.map(
          (group) =>
            html`<tr>
              ${row(group)}
              <td class="number money">${costCell(group)}</td>
            </tr>`,
        )}
        ${
          others.length === 0
            ? null
            : html`<tr class="others">
                ${span(`${String(others.length)} other ${what}`)}
                <td class="number money">${amountText(left)}</td>
              </tr>`
        }
      </tbody>
      <tfoot>
        <tr>
          ${span('Total')}
          <td class="number money">${amountText(costOf(page.lines))}</td>
        </tr>
      </tfoot>
    </table>
  </section>`;
};

const costCell = ({ cost, unpriced }: Group): Html =>
  unpriced > 0
    ? html`${cost > 0n ? amountText(cost) : null} <small class="missing">no price</small>`
    : html`${amountText(cost)}`;

const subscriptionLink = ({ query }: BillPage, id: string | null): Html =>
  id === null
    ? html`<span class="soft">not said</span>`
    : html`<a class="id" href="${portalAddress('/portal', query, { subscription: id })}">${id}</a>`;

export const customerTable = (page: BillPage): Html =>
  section(page, {
    title: 'Invoices',
    what: 'invoices',
    groups: groupLines(page.lines, ({ registration, billedTo }) => `${registration}\0${billedTo}`),
    heads: html`<th>Billed to</th>
      <th class="from800">Registration</th>
      <th>Invoice</th>`,
    span: (label) =>
      html`<th scope="row">${label}</th>
        <td class="from800"></td>
        <td></td>`,
    row: ({ sample: { registration, billedTo } }) => {
      const of = { registration, customer: billedTo, subscription: '', meter: '', resource: '' };
      return html`<td>
          <a href="${portalAddress('/portal', page.query, { customer: billedTo })}"
            >${page.names.payer(billedTo)}</a
          ><small class="id">${billedTo}</small>
        </td>
        <td class="from800">
          ${page.names.registration(registration)}<small class="id">${registration}</small>
        </td>
        <td>
          <a href="${portalAddress('/portal/invoice', page.query, of)}">Invoice</a>
          <a href="${portalAddress('/portal/invoice.csv', page.query, of)}">CSV</a>
        </td>`;
    },
  });

export const subscriptionTable = (page: BillPage): Html =>
  section(page, {
    title: 'By subscription',
    what: 'subscriptions',
    groups: groupLines(page.lines, ({ tenantSubscription }) => tenantSubscription ?? ''),
    heads: html`<th>Local subscription</th>
      <th class="number from560">Resources</th>
      <th class="number from800">Meters</th>`,
    span: (label) =>
      html`<th scope="row">${label}</th>
        <td class="from560"></td>
        <td class="from800"></td>`,
    row: ({ sample, resources, meters }) =>
      html`<td>${subscriptionLink(page, sample.tenantSubscription)}</td>
        <td class="number from560">${resources}</td>
        <td class="number from800">${meters}</td>`,
  });

export const meterTable = (page: BillPage): Html =>
  section(page, {
    title: 'By meter',
    what: 'meters',
    groups: groupLines(
      page.lines,
      ({ dimension, unitPrice }) => `${dimension}\0${String(unitPrice)}`,
    ),
    heads: html`<th>Meter</th>
      <th class="number">Quantity</th>
      <th class="from560">Unit</th>
      <th class="number from800">Price</th>`,
    span: (label) =>
      html`<th scope="row">${label}</th>
        <td></td>
        <td class="from560"></td>
        <td class="from800"></td>`,
    row: ({ sample: { dimension, unitPrice }, quantity }) =>
      html`<td>
          <a href="${portalAddress('/portal', page.query, { meter: dimension })}"
            >${page.names.meter(dimension)}</a
          ><small class="soft">${page.names.category(dimension)}</small
          ><small class="soft until560">${page.names.unit(dimension)}</small>
        </td>
        <td class="number">${quantity === null ? '' : quantityText(quantity)}</td>
        <td class="from560 soft">${page.names.unit(dimension)}</td>
        <td class="number from800">${unitPrice === null ? '' : priceText(unitPrice)}</td>`,
  });

export const resourceTable = (page: BillPage): Html =>
  section(page, {
    title: 'By resource',
    what: 'resources',
    mostRows: MOST_RESOURCES,
    groups: groupLines(page.lines, resourceKeyOf),
    heads: html`<th>Resource</th>
      <th class="from800">Local subscription</th>
      <th class="number from560">Meters</th>`,
    span: (label) =>
      html`<th scope="row">${label}</th>
        <td class="from800"></td>
        <td class="from560"></td>`,
    row: ({ sample: { resource, tenantSubscription }, meters }) => {
      const { name, kind } = describeResource(resource);
      return html`<td>
          <a href="${portalAddress('/portal', page.query, { resource })}" title="${resource}"
            >${name}</a
          ><small class="soft">${kind}</small>
        </td>
        <td class="from800">${subscriptionLink(page, tenantSubscription)}</td>
        <td class="number from560">${meters}</td>`;
    },
  });

export const dayTable = (page: BillPage): Html =>
  section(page, {
    title: 'By day',
    what: 'days',
    groups: [...groupLines(page.lines, ({ day }) => isoText(day))].sort((a, b) =>
      a.key < b.key ? -1 : 1,
    ),
    heads: html`<th>Reported on</th>
      <th class="number from560">Resources</th>
      <th class="number from800">Used in earlier months</th>`,
    span: (label) =>
      html`<th scope="row">${label}</th>
        <td class="from560"></td>
        <td class="number from800">${amountText(costOf(page.lines.filter(isLate)))}</td>`,
    row: ({ key, resources, lateCost }) =>
      html`<td><time datetime="${key.slice(0, 10)}">${key.slice(0, 10)}</time></td>
        <td class="number from560">${resources}</td>
        <td class="number from800">${lateCost === 0n ? '' : amountText(lateCost)}</td>`,
  });

/** Usage of earlier months by month and meter; nothing if there is none. */
export const lateTable = (page: BillPage): Html | null => {
  const late = page.lines.filter(isLate);
  if (late.length === 0) return null;
  return section(
    { ...page, lines: late },
    {
      title: 'Used in earlier months, reported in this one',
      what: 'rows',
      groups: [
        ...groupLines(late, ({ usageMonth, dimension }) => `${usageMonth}\0${dimension}`),
      ].sort((a, b) => (a.key < b.key ? -1 : 1)),
      heads: html`<th>Month of usage</th>
        <th>Meter</th>
        <th class="number from560">Quantity</th>
        <th class="from560">Unit</th>`,
      span: (label) =>
        html`<th scope="row">${label}</th>
          <td></td>
          <td class="from560"></td>
          <td class="from560"></td>`,
      row: ({ sample: { usageMonth, dimension }, quantity }) =>
        html`<td>${monthTitle(usageMonth)}</td>
          <td>${page.names.meter(dimension)}</td>
          <td class="number from560">${quantity === null ? '' : quantityText(quantity)}</td>
          <td class="from560 soft">${page.names.unit(dimension)}</td>`,
    },
  );
};
