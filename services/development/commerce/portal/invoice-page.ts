import {
  moneyText,
  NO_RATE,
  priceText,
  quantityText,
} from '../../../operations/chargeback/statement-text.ts';
import { isoText, nextMonth } from '../../../shared/model/time.ts';
import { usageMonthOf } from '../../../shared/model/usage-months.ts';
import { amountText } from './amounts.ts';
import { html, type Html } from './html.ts';
import type { Invoice, InvoiceLine, InvoicePart } from './invoice.ts';
import { layout, monthTitle } from './layout.ts';
import type { Names } from './names.ts';

export interface InvoicePage {
  readonly invoice: Invoice;
  readonly names: Names;
  readonly currency: string;
  readonly provider: string;
  readonly csvAddress: string;
  readonly billAddress: string;
}

/** An invoice, on the screen and on paper. */
export const invoicePage = (page: InvoicePage): Html => {
  const { invoice, currency, provider } = page;
  const month = usageMonthOf(invoice.month);
  return layout({
    title: `Invoice ${invoice.id}`,
    place: 'invoice',
    content: html`<p class="screen">
        <a href="${page.billAddress}">← Costs of ${monthTitle(month)}</a>
        <a href="${page.csvAddress}">Download as CSV</a>
      </p>
      <article class="sheet">
        <div class="head">
          <div>
            <h1>Invoice</h1>
            <p class="soft">${provider}</p>
          </div>
          <p class="amount">
            <span class="soft">Total, ${currency}</span><strong>${moneyText(invoice.cost)}</strong>
          </p>
        </div>
        ${standing(invoice)} ${facts(page)}
        ${invoice.subscriptions.map((part) => partSection(page, part, subscriptionTitle(part)))}
        ${
          invoice.late.length === 0
            ? null
            : html`<h2>Late usage</h2>
                <p class="soft">
                  Used in earlier months and reported in ${monthTitle(month)}. It is part of the
                  total.
                </p>`
        }
        ${invoice.late.map((part) =>
          partSection(page, part, html`Used in ${monthTitle(part.name)}`),
        )}
        ${
          invoice.credits.length === 0
            ? null
            : html`<h2>Credits</h2>
                <p class="soft">
                  Usage that was reported wrongly, credited by Microsoft in ${monthTitle(month)}. It
                  is part of the total.
                </p>`
        }
        ${invoice.credits.map((part) => partSection(page, part, subscriptionTitle(part)))}
        ${sums(page)} ${basis(page)}
      </article>`,
  });
};

const facts = ({ invoice, names }: InvoicePage): Html => {
  const month = monthTitle(usageMonthOf(invoice.month));
  return html`<dl class="facts">
    <div>
      <dt>Number</dt>
      <dd>${invoice.id}</dd>
    </div>
    <div>
      <dt>Billing month</dt>
      <dd>
        ${month}<small class="soft"
          >${isoText(invoice.month).slice(0, 10)} to
          ${isoText(nextMonth(invoice.month)).slice(0, 10)}, UTC, the end not included</small
        >
      </dd>
    </div>
    <div>
      <dt>Billed to</dt>
      <dd>${names.payer(invoice.billedTo)}<small class="id">${invoice.billedTo}</small></dd>
    </div>
    <div>
      <dt>Registration</dt>
      <dd>
        ${names.registration(invoice.registration)}<small class="id">${invoice.registration}</small>
      </dd>
    </div>
  </dl>`;
};

const standing = ({ isFinal, finalFrom }: Invoice): Html | null => {
  if (isFinal) return null;
  return html`<p class="notice">
    ${
      finalFrom === null
        ? 'Preliminary: usage of any age is accepted here, so more may be added at any time.'
        : `Preliminary: more usage can be accepted for this month until ${isoText(finalFrom)}.`
    }
  </p>`;
};

const subscriptionTitle = ({ name }: InvoicePart): Html =>
  name === ''
    ? html`Usage without a subscription`
    : html`Subscription <span class="id">${name}</span>`;

const partSection = ({ names, currency }: InvoicePage, part: InvoicePart, title: Html): Html =>
  html`<section>
    <h3>${title}</h3>
    <table>
      <thead>
        <tr>
          <th>Meter</th>
          <th class="number">Quantity</th>
          <th class="from560">Unit</th>
          <th class="number from560">Price</th>
          <th class="number">${currency}</th>
        </tr>
      </thead>
      <tbody>
        ${byName(part.lines, names).map(
          ({ dimension, quantity, unitPrice, cost, usageMonth, tenantSubscription, credit }) =>
            html`<tr>
              <td>
                ${names.meter(dimension)}<small class="soft until560"
                  >${names.unit(dimension)}</small
                >${
                  part.name === usageMonth
                    ? html`<small class="id">${tenantSubscription ?? ''}</small>`
                    : null
                }${
                  credit === null
                    ? null
                    : html`<small class="soft">Used in ${monthTitle(usageMonth)}. ${credit}</small>`
                }
              </td>
              <td class="number">${quantityText(quantity)}</td>
              <td class="from560 soft">${names.unit(dimension)}</td>
              <td class="number from560">
                ${unitPrice === null ? html`<span class="missing">${NO_RATE}</span>` : priceText(unitPrice)}
              </td>
              <td class="number money">
                ${cost === null ? html`<span class="missing">${NO_RATE}</span>` : amountText(cost)}
              </td>
            </tr>`,
        )}
      </tbody>
      <tfoot>
        <tr>
          <th scope="row">Total</th>
          <td></td>
          <td class="from560"></td>
          <td class="from560"></td>
          <td class="number money">${amountText(part.cost)}</td>
        </tr>
      </tfoot>
    </table>
  </section>`;

const byName = (lines: readonly InvoiceLine[], names: Names): readonly InvoiceLine[] =>
  [...lines].sort((a, b) => names.meter(a.dimension).localeCompare(names.meter(b.dimension), 'en'));

const sums = ({ invoice, currency }: InvoicePage): Html =>
  html`<section>
    <h2>Summary</h2>
    <table>
      <tbody>
        <tr>
          <td>Used in ${monthTitle(usageMonthOf(invoice.month))}</td>
          <td class="number money">
            ${amountText(invoice.cost - invoice.lateCost - invoice.creditCost)}
          </td>
        </tr>
        ${invoice.late.map(
          (part) =>
            html`<tr>
              <td>Used in ${monthTitle(part.name)}, reported late</td>
              <td class="number money">${amountText(part.cost)}</td>
            </tr>`,
        )}
        ${
          invoice.credits.length === 0
            ? null
            : html`<tr>
                <td>Credits</td>
                <td class="number money">${amountText(invoice.creditCost)}</td>
              </tr>`
        }
      </tbody>
      <tfoot>
        <tr>
          <th scope="row">Total, ${currency}</th>
          <td class="number money">${moneyText(invoice.cost)}</td>
        </tr>
      </tfoot>
    </table>
  </section>`;

const basis = ({ invoice: { unpriced } }: InvoicePage): Html =>
  html`<p class="note">
    Basis: reported time. This invoice has what was reported in the billing month and accepted, each
    of it once, at the price of the day on which it was reported. Usage of earlier months that was
    reported late is listed by its month. Amounts are rounded for display; totals are exact sums,
    rounded once. There are no taxes.
    ${
      unpriced > 0
        ? html`<strong class="missing"
            >Some lines have no rate and are in no total: the price list needs their meters.</strong
          >`
        : null
    }
  </p>`;
