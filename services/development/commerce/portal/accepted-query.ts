import { readParameters, type ParameterRules } from '../../../shared/http/query-parameters.ts';
import { asciiLower, subscriptionOf } from '../../../shared/model/placement.ts';
import type { Identity } from '../metering-event.ts';
import type { Names } from './names.ts';

/** Which accepted events are listed. */
export interface AcceptedQuery {
  /** Part of a resource's or a meter's name or id; empty for all. */
  readonly text: string;
  /** Any part of a subscription's id in the resource's; empty for all. */
  readonly subscription: string;
  /** Events older than this one; null for the newest. */
  readonly after: Identity | null;
}

/** The form also sends empty fields. */
export const ACCEPTED_PARAMETERS: ParameterRules = {
  known: ['text', 'subscription', 'after'],
  mayBeEmpty: ['text', 'subscription'],
};

/** Null if `after` is not a position in the list. */
export const readAcceptedQuery = (search: URLSearchParams): AcceptedQuery | null => {
  const { values } = readParameters(search, ACCEPTED_PARAMETERS);
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
export const acceptedAddress = ({ text, subscription, after }: AcceptedQuery): string => {
  const parameters = new URLSearchParams();
  if (text !== '') parameters.set('text', text);
  if (subscription !== '') parameters.set('subscription', subscription);
  if (after) parameters.set('after', writeCursor(after));
  const query = parameters.toString();
  return query === '' ? '/portal/usage' : `/portal/usage?${query}`;
};

export const isFiltered = ({ text, subscription }: AcceptedQuery): boolean =>
  text !== '' || subscription !== '';

/** Which events a query shows: a meter is found by its name too. */
export const identityFilter = (
  query: AcceptedQuery,
  names: Names,
): ((identity: Identity) => boolean) => {
  const text = asciiLower(query.text);
  const subscription = asciiLower(query.subscription);
  return ({ resource, dimension }) =>
    (subscription === '' || (subscriptionOf(resource) ?? '').includes(subscription)) &&
    (text === '' ||
      resource.includes(text) ||
      dimension.includes(text) ||
      asciiLower(names.meter(dimension)).includes(text));
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
