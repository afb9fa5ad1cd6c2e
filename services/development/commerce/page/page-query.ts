import { readParameters, type ParameterRules } from '../../../shared/http/query-parameters.ts';
import type { Meter } from '../../../shared/meters/meter-catalog.ts';
import { asciiLower, subscriptionOf } from '../../../shared/model/placement.ts';
import type { Identity } from '../metering-event.ts';

/** What the page shows. */
export interface PageQuery {
  /** Part of a resource's or a meter's name or id; empty for all. */
  readonly text: string;
  /** A subscription id; empty for all. */
  readonly subscription: string;
  /** Events older than this one; null for the newest. */
  readonly after: Identity | null;
}

/** The form also sends empty fields. */
export const PAGE_PARAMETERS: ParameterRules = {
  known: ['text', 'subscription', 'after'],
  mayBeEmpty: ['text', 'subscription'],
};

/** Null if `after` is not a position in the list. */
export const readPageQuery = (search: URLSearchParams): PageQuery | null => {
  const { values } = readParameters(search, PAGE_PARAMETERS);
  const cursor = values.get('after');
  const after = cursor === undefined ? null : readCursor(cursor);
  if (cursor !== undefined && after === null) return null;
  return {
    text: values.get('text')?.trim() ?? '',
    subscription: values.get('subscription')?.trim() ?? '',
    after,
  };
};

/** The address of a page. */
export const pageAddress = ({ text, subscription, after }: PageQuery): string => {
  const parameters = new URLSearchParams();
  if (text !== '') parameters.set('text', text);
  if (subscription !== '') parameters.set('subscription', subscription);
  if (after) parameters.set('after', writeCursor(after));
  const query = parameters.toString();
  return query === '' ? '/' : `/?${query}`;
};

export const isFiltered = ({ text, subscription }: PageQuery): boolean =>
  text !== '' || subscription !== '';

/** Which events a query shows: a meter is found by its name too. */
export const identityFilter = (
  query: PageQuery,
  meters: readonly Meter[],
): ((identity: Identity) => boolean) => {
  const text = asciiLower(query.text);
  const subscription = asciiLower(query.subscription);
  const named = new Set(
    meters
      .filter(({ name }) => asciiLower(name).includes(text))
      .map(({ meterId }) => asciiLower(meterId)),
  );
  return ({ resource, dimension }) =>
    (subscription === '' || subscriptionOf(resource) === subscription) &&
    (text === '' || resource.includes(text) || dimension.includes(text) || named.has(dimension));
};

const writeCursor = ({ hour, resource, dimension }: Identity): string =>
  Buffer.from([hour, resource, dimension].join('\n')).toString('base64url');

const readCursor = (text: string): Identity | null => {
  const parts = Buffer.from(text, 'base64url').toString('utf8').split('\n');
  const [hour, resource, dimension] = parts;
  if (!hour || !resource || !dimension) return null;
  const place: Identity = { hour, resource, dimension };
  return writeCursor(place) === text ? place : null;
};
