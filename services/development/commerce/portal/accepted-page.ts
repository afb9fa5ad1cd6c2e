import { doubleText } from '../../../shared/billing/double.ts';
import { isoText } from '../../../shared/model/time.ts';
import { identityOf, resourceName, type AcceptedEvent } from '../metering-event.ts';
import { acceptedAddress, isFiltered, type AcceptedQuery } from './accepted-query.ts';
import { search } from './bill-page.ts';
import { html, type Html } from './html.ts';
import { layout } from './layout.ts';
import { describeResource, type Names } from './names.ts';

export interface AcceptedPage {
  readonly query: AcceptedQuery;
  /** How many were accepted in all. */
  readonly count: number;
  /** Newest first. */
  readonly events: readonly AcceptedEvent[];
  /** Whether there are older ones. */
  readonly more: boolean;
  readonly names: Names;
  readonly anyAge: boolean;
}

/** The accepted events one by one, by the hour in which they were reported. */
export const acceptedPage = ({ query, count, events, more, names, anyAge }: AcceptedPage): Html =>
  layout({
    title: 'Accepted usage',
    place: 'usage',
    content: html`<div class="title">
        <h1>Accepted usage</h1>
        <p class="soft">
          ${count.toLocaleString('en')} usage events${anyAge ? ', of any age' : ''}, newest first.
          Hours are UTC; quantities are doubles.
        </p>
      </div>
      ${
        count === 0
          ? nothing(
              'Nothing was accepted yet',
              html`Events appear here as soon as they are accepted.`,
            )
          : html`${filterForm(query)}
            ${
              events.length === 0
                ? nothing('No event matches', html`<a href="/portal/usage">Show all</a>`)
                : eventsTable(events, names)
            }
            ${paging(query, events, more)}`
      }`,
  });

const nothing = (title: string, text: Html): Html =>
  html`<div class="empty">
    <h2>${title}</h2>
    <p>${text}</p>
  </div>`;

const filterForm = (query: AcceptedQuery): Html =>
  html`<form method="get" action="/portal/usage" role="search">
    ${search('Resource or meter', 'text', query.text, 'any part of a name or id')}
    ${search('Subscription', 'subscription', query.subscription, 'any part of its id')}
    <div class="actions">
      <button>Show</button>
      ${isFiltered(query) ? html`<a href="/portal/usage">Clear filters</a>` : null}
    </div>
  </form>`;

const eventsTable = (events: readonly AcceptedEvent[], names: Names): Html => {
  const hours = [...new Set(events.map(({ hour }) => hour))];
  return html`<table>
    <thead>
      <tr>
        <th>Resource</th>
        <th class="from800">Local subscription</th>
        <th class="from560">Meter</th>
        <th class="number">Quantity</th>
        <th class="from560">Unit</th>
      </tr>
    </thead>
    ${hours.map(
      (hour) =>
        html`<tbody>
          <tr class="hour">
            <th colspan="5" scope="rowgroup">
              <time datetime="${isoText(hour)}">${hourText(isoText(hour))}</time>
            </th>
          </tr>
          ${events.filter((event) => event.hour === hour).map((event) => eventRow(event, names))}
        </tbody>`,
    )}
  </table>`;
};

const eventRow = (event: AcceptedEvent, names: Names): Html => {
  const resource = resourceName(event.resource);
  const { name, kind } = describeResource(resource);
  const subscription = event.tenantSubscription;
  return html`<tr>
    <td title="${resource}">
      ${name}<small class="soft">${kind}</small
      ><small class="soft until560">${names.meter(event.dimension)}</small>
    </td>
    <td class="from800">
      ${subscription === null ? html`<span class="soft">not said</span>` : html`<span class="id">${subscription}</span>`}
    </td>
    <td class="from560" title="${event.dimension}">${names.meter(event.dimension)}</td>
    <td class="number">${doubleText(event.quantity)}</td>
    <td class="from560 soft">${names.unit(event.dimension)}</td>
  </tr>`;
};

const paging = (
  query: AcceptedQuery,
  events: readonly AcceptedEvent[],
  more: boolean,
): Html | null => {
  const last = events.at(-1);
  if (!query.after && !more) return null;
  return html`<nav class="months" aria-label="Pages">
    ${
      query.after
        ? html`<a href="${acceptedAddress({ ...query, after: null })}">← Newest</a>`
        : html`<span></span>`
    }
    ${
      more && last
        ? html`<a href="${acceptedAddress({ ...query, after: identityOf(last) })}" rel="next"
            >Older →</a
          >`
        : html`<span class="soft">No older events</span>`
    }
  </nav>`;
};

/** `2019-12-10 19:00` for `2019-12-10T19:00:00Z`; seconds only where they are not zero. */
const hourText = (iso: string): string => iso.replace('T', ' ').replace(/(:00)?Z$/, '');
