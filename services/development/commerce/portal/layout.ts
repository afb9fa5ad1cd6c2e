import { html, type Html } from './html.ts';

export interface Layout {
  readonly title: string;
  /** Which of the portal's places this is. */
  readonly place: 'bill' | 'usage' | 'invoice';
  readonly content: Html;
}

const PLACES = [
  { place: 'bill', href: '/portal', name: 'Costs' },
  { place: 'usage', href: '/portal/usage', name: 'Accepted usage' },
] as const;

/** A page of the portal. */
export const layout = ({ title, place, content }: Layout): Html =>
  html`<!doctype html>
    <html lang="en">
      <head>
        <meta charset="utf-8" />
        <meta name="viewport" content="width=device-width, initial-scale=1" />
        <meta name="color-scheme" content="light dark" />
        <title>${title} · Azure Commerce (mock)</title>
        <link rel="stylesheet" href="/portal/style.css" />
        <link rel="icon" href="data:," />
      </head>
      <body class="${place}">
        <header class="bar">
          <a class="brand" href="/portal">Azure Commerce <small>mock</small></a>
          <nav aria-label="Places">
            ${PLACES.map(
              (each) =>
                html`<a
                  href="${each.href}"
                  ${each.place === place ? html`aria-current="page"` : null}
                  >${each.name}</a
                >`,
            )}
          </nav>
        </header>
        <main>${content}</main>
      </body>
    </html> `;

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

/** `November 2026` for `2026-11`. */
export const monthTitle = (month: string): string => {
  const [year = '', number = ''] = month.split('-');
  return `${MONTHS[Number(number) - 1] ?? ''} ${year}`;
};
