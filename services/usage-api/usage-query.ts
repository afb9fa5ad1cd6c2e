import { asciiLower } from '../shared/placement.ts';
import { dayOf, hourOf, isoText, type Millis } from '../shared/time.ts';
import { accept, badRequest, invalidProperty, refuse, type Checked } from './api-error.ts';
import { parseReportedTime } from './reported-time.ts';

export const API_VERSION = '2015-06-01-preview';

export type Granularity = 'Hourly' | 'Daily';

/** What a caller asks for. */
export interface UsageQuery {
  readonly granularity: Granularity;
  /** Reported time, inclusive. */
  readonly from: Millis;
  /** Reported time, exclusive. */
  readonly to: Millis;
  /** Lower case; null for all direct tenants. */
  readonly subscriberId: string | null;
  /** Opaque; null for the first page. */
  readonly continuationToken: string | null;
}

/** What the rules for parameters depend on. */
export interface QueryRules {
  readonly now: Millis;
  /** The length of an hour in milliseconds: 3,600,000 but in tests. */
  readonly hourMillis: number;
}

const SUBSCRIPTION_ID = /^[\da-f]{8}(?:-[\da-f]{4}){3}-[\da-f]{12}$/i;

export const isSubscriptionId = (text: string): boolean => SUBSCRIPTION_ID.test(text);

/** Names are compared without case, as ARM does; a parameter with nothing in it is not there. */
class Parameters {
  readonly #values = new Map<string, string[]>();

  constructor(search: URLSearchParams) {
    for (const [name, value] of search) {
      if (value === '') continue;
      const key = name.toLowerCase();
      this.#values.set(key, [...(this.#values.get(key) ?? []), value]);
    }
  }

  /** Null where it is missing. */
  one(name: string): Checked<string | null> {
    const [value = null, ...others] = this.#values.get(name.toLowerCase()) ?? [];
    return others.length > 0 ? refuse(invalidProperty(name, 'is given twice')) : accept(value);
  }
}

/**
 * Checks the parameters of a call, in the order of the rules below: the first one that is broken is
 * told. Parameters that are not known are ignored.
 */
export const parseUsageQuery = (
  search: URLSearchParams,
  rules: QueryRules,
): Checked<UsageQuery> => {
  const parameters = new Parameters(search);
  const version = versionOf(parameters);
  if (!version.ok) return version;
  const granularity = granularityOf(parameters);
  if (!granularity.ok) return granularity;
  const from = timeOf(parameters, 'reportedStartTime', granularity.value, rules);
  if (!from.ok) return from;
  const to = timeOf(parameters, 'reportedEndTime', granularity.value, rules);
  if (!to.ok) return to;
  if (from.value >= to.value) {
    return refuse(invalidProperty('reportedStartTime', "must be before 'reportedEndTime'"));
  }
  if (to.value > rules.now) {
    return refuse(
      badRequest(
        'RequestEndTimeIsInFuture',
        `The property 'reportedEndTime' is in the future: it is now ${isoText(rules.now)}.`,
      ),
    );
  }
  const subscriberId = subscriberOf(parameters);
  if (!subscriberId.ok) return subscriberId;
  const continuationToken = parameters.one('continuationToken');
  if (!continuationToken.ok) return continuationToken;
  return accept({
    granularity: granularity.value,
    from: from.value,
    to: to.value,
    subscriberId: subscriberId.value,
    continuationToken: continuationToken.value,
  });
};

const versionOf = (parameters: Parameters): Checked<string> => {
  const given = parameters.one('api-version');
  if (!given.ok) return given;
  if (given.value === null) {
    return refuse(
      badRequest(
        'NoApiVersion',
        `The query parameter 'api-version' is missing: it must be ${API_VERSION}.`,
      ),
    );
  }
  return given.value.toLowerCase() === API_VERSION
    ? accept(given.value)
    : refuse(invalidProperty('api-version', `must be ${API_VERSION}`));
};

const granularityOf = (parameters: Parameters): Checked<Granularity> => {
  const given = parameters.one('aggregationGranularity');
  if (!given.ok) return given;
  switch (given.value?.toLowerCase()) {
    case undefined:
    case 'daily':
      return accept('Daily');
    case 'hourly':
      return accept('Hourly');
    default:
      return refuse(
        badRequest(
          'InvalidAggregationGranularity',
          "The property 'aggregationGranularity' must be 'daily' or 'hourly'.",
        ),
      );
  }
};

const timeOf = (
  parameters: Parameters,
  name: string,
  granularity: Granularity,
  { hourMillis }: QueryRules,
): Checked<Millis> => {
  const given = parameters.one(name);
  if (!given.ok) return given;
  if (given.value === null) return refuse(invalidProperty(name, 'is missing'));
  const instant = parseReportedTime(given.value);
  if (instant === null) {
    return refuse(
      invalidProperty(
        name,
        'must be an ISO 8601 time with its offset, such as 2019-12-10T19:00:00Z',
      ),
    );
  }
  if (hourOf(instant, hourMillis) !== instant) {
    return refuse(invalidProperty(name, 'must be on the hour'));
  }
  if (granularity === 'Daily' && dayOf(instant, hourMillis) !== instant) {
    return refuse(invalidProperty(name, 'must be midnight in UTC where usage is asked for by day'));
  }
  return accept(instant);
};

/**
 * Every subscription counts as a direct tenant of the provider, so that only what cannot be a
 * subscription is none.
 */
const subscriberOf = (parameters: Parameters): Checked<string | null> => {
  const given = parameters.one('subscriberId');
  if (!given.ok || given.value === null) return given;
  return isSubscriptionId(given.value)
    ? accept(asciiLower(given.value))
    : refuse(
        badRequest(
          'SubscriberIdIsNotDirectTenant',
          "The property 'subscriberId' is not the id of a direct tenant of the calling subscription.",
        ),
      );
};
