import { doubleText } from '../../../shared/billing/double.ts';
import type { Meter } from '../../../shared/meters/meter-catalog.ts';
import { asciiLower, subscriptionOf } from '../../../shared/model/placement.ts';
import { isoText } from '../../../shared/model/time.ts';
import { identityOf, resourceName, type AcceptedEvent } from '../metering-event.ts';
import { html, type Html } from './html.ts';
import { isFiltered, pageAddress, type PageQuery } from './page-query.ts';

export interface BilledPage {
  readonly query: PageQuery;
  readonly count: number;
  /** Newest first. */
  readonly events: readonly AcceptedEvent[];
  /** Whether there are older ones. */
  readonly more: boolean;
  readonly meters: readonly Meter[];
  readonly anyAge: boolean;
}

type Meters = ReadonlyMap<string, Meter>;

export const billedPage = ({ query, count, events, more, meters, anyAge }: BilledPage): Html => {
  const known: Meters = new Map(meters.map((meter) => [asciiLower(meter.meterId), meter]));
  return html`<!doctype html>
    <html lang="en">
      <head>
        <meta charset="utf-8" />
        <meta name="viewport" content="width=device-width, initial-scale=1" />
        <meta name="color-scheme" content="light dark" />
        <title>Billed usage · Commerce</title>
        <link rel="stylesheet" href="/style.css" />
        <link rel="icon" href="data:," />
      </head>
      <body>
        <header>
          <div class="title">
            <h1><a href="/">Billed usage</a></h1>
            <p>
              What this mock of Azure’s metering service has
              accepted${anyAge ? ', of any age' : ''}. Hours are UTC; quantities are doubles.
            </p>
          </div>
        </header>
        <main>
          ${
            count === 0
              ? emptyStore()
              : html`${filterForm(query)}
                ${events.length === 0 ? nothingFound() : eventsTable(events, query, known)}
                ${paging(query, events, more)}`
          }
        </main>
        <footer>
          <p>
            <code>POST /api/batchUsageEvent</code> <code>POST /api/usageEvent</code>
            <code>GET /api/usageEvents</code> <span>api-version 2018-08-31</span>
          </p>
        </footer>
      </body>
    </html> `;
};

const filterForm = (query: PageQuery): Html =>
  html`<form method="get" action="/" role="search">
    <label>
      <span>Resource or meter</span>
      <input
        type="search"
        name="text"
        value="${query.text}"
        placeholder="part of a name or id"
        maxlength="1024"
      />
    </label>
    <label>
      <span>Subscription</span>
      <input
        class="id"
        type="search"
        name="subscription"
        value="${query.subscription}"
        placeholder="subscription id"
        maxlength="1024"
      />
    </label>
    <button>Filter</button>
    ${isFiltered(query) ? html`<a href="/">Show all</a>` : null}
  </form>`;

const eventsTable = (events: readonly AcceptedEvent[], query: PageQuery, meters: Meters): Html => {
  const hours = [...new Set(events.map(({ hour }) => hour))];
  return html`<table class="events">
    <thead>
      <tr>
        <th>Resource</th>
        <th>Subscription</th>
        <th>Meter</th>
        <th class="number">Quantity</th>
        <th>Unit</th>
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
          ${events
            .filter((event) => event.hour === hour)
            .map((event) => eventRow(event, query, meters))}
        </tbody>`,
    )}
  </table>`;
};

const eventRow = (event: AcceptedEvent, query: PageQuery, meters: Meters): Html => {
  const resource = resourceName(event.resource);
  const { name, kind } = describeResource(resource);
  const subscription = subscriptionOf(resource);
  return html`<tr>
    <td class="what" title="${resource}">${name}<small>${kind}</small></td>
    <td class="id subscription">
      ${
        subscription === null
          ? html`<span class="none">none</span>`
          : html`<a
              href="${pageAddress({ ...query, subscription, after: null })}"
              title="Only this subscription"
              >${subscription}</a
            >`
      }
    </td>
    <td class="meter" title="${event.dimension}">${meterName(event.dimension, meters)}</td>
    <td class="number">${decimal(doubleText(event.quantity))}</td>
    <td class="unit">${meterUnit(event.dimension, meters)}</td>
  </tr>`;
};

const paging = (query: PageQuery, events: readonly AcceptedEvent[], more: boolean): Html | null => {
  const last = events.at(-1);
  if (!query.after && !more) return null;
  return html`<nav aria-label="Pages">
    ${
      query.after
        ? html`<a href="${pageAddress({ ...query, after: null })}">← Newest</a>`
        : html`<span></span>`
    }
    ${
      more && last
        ? html`<a href="${pageAddress({ ...query, after: identityOf(last) })}" rel="next"
            >Older →</a
          >`
        : html`<span>No older events</span>`
    }
  </nav>`;
};

const emptyStore = (): Html =>
  html`<div class="empty">
    <h2>Nothing has been billed yet</h2>
    <p>Events appear here as soon as they are accepted. Reload the page to see them.</p>
  </div>`;

const nothingFound = (): Html =>
  html`<div class="empty">
    <h2>No event matches</h2>
    <p><a href="/">Show all</a></p>
  </div>`;

const meterName = (dimension: string, meters: Meters): string =>
  meters.get(asciiLower(dimension))?.name ?? 'Unknown meter';

const meterUnit = (dimension: string, meters: Meters): string =>
  meters.get(asciiLower(dimension))?.unit ?? '';

/** The name of a resource, and what it is: `Microsoft.Compute/virtualMachines in group web`. */
const describeResource = (resource: string): { readonly name: string; readonly kind: string } => {
  const segments = resource.split('/').filter((segment) => segment !== '');
  const at = segments.findIndex((segment) => asciiLower(segment) === 'providers');
  if (at < 0) return { name: resource, kind: '' };
  const [namespace = '', ...path] = segments.slice(at + 1);
  const types = path.filter((_, i) => i % 2 === 0);
  const names = path.filter((_, i) => i % 2 === 1);
  const group = /\/resourceGroups\/([^/]+)/i.exec(resource)?.[1];
  return {
    name: names.join('/') || resource,
    kind: [namespace, ...types].join('/') + (group === undefined ? '' : ` in ${group}`),
  };
};

/** A quantity, its fraction set apart so that magnitudes can be compared at a glance. */
const decimal = (text: string): Html => {
  const [whole = '', fraction] = text.split('.');
  return html`<span class="quantity"
    >${whole}${
      fraction === undefined ? null : html`<span class="fraction">.${fraction}</span>`
    }</span
  >`;
};

/** `2019-12-10 19:00` for `2019-12-10T19:00:00Z`; seconds only where they are not zero. */
const hourText = (iso: string): string => iso.replace('T', ' ').replace(/(:00)?Z$/, '');
