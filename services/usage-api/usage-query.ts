import { asciiLower } from '../shared/model/placement.ts';
import { isSubscriptionId } from '../shared/model/subscription-id.ts';
import { dayOf, hourOf, isoText, type Millis } from '../shared/model/time.ts';
import { readParameters, type ParameterProblem } from '../shared/http/query-parameters.ts';
import { badRequest, invalidProperty, notDirectTenant, type ApiError } from './api-error.ts';
import { fail, succeed, type Result } from '../shared/model/result.ts';
import type { UsageApi, Visible } from './caller.ts';
import { parseReportedTime } from '../shared/http/reported-time.ts';

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

/** A query, and whose usage its caller may see. */
export interface VisibleQuery extends UsageQuery {
  readonly visible: Visible;
}

/** What the rules for parameters depend on. */
export interface QueryRules {
  readonly api: UsageApi;
  readonly now: Millis;
  /** The length of an hour in milliseconds: 3,600,000 except in tests. */
  readonly hourMillis: number;
}

const COMMON_PARAMETERS = [
  'api-version',
  'aggregationGranularity',
  'reportedStartTime',
  'reportedEndTime',
];

/** The parameters of each API. Scripts of AzureStack-Tools send `showDetails` to both. */
export const PARAMETERS: Readonly<Record<UsageApi, readonly string[]>> = {
  provider: [...COMMON_PARAMETERS, 'subscriberId', 'showDetails', 'continuationToken'],
  tenant: [...COMMON_PARAMETERS, 'showDetails', 'continuationToken'],
};

/**
 * Some clients escape a link again that has been escaped already. No right value has a percent sign, so a
 * second look changes no right value.
 */
const unescapedAgain = (search: URLSearchParams): URLSearchParams =>
  new URLSearchParams(
    [...search].map(([name, value]): [string, string] => [name, unescapedValue(value)]),
  );

const unescapedValue = (value: string): string => {
  if (!/%[\da-f]{2}/i.test(value)) return value;
  try {
    return decodeURIComponent(value);
  } catch {
    return value; // not escaped at all
  }
};

type Parameters = ReadonlyMap<string, string>;

/**
 * Checks the parameters of a call. General rules come first, such as that a parameter must be known; then
 * the rules below, in their order. The answer names the first rule that is broken.
 */
export const parseUsageQuery = (
  search: URLSearchParams,
  rules: QueryRules,
): Result<UsageQuery, ApiError> => {
  const {
    values: parameters,
    problems: [problem],
  } = readParameters(unescapedAgain(search), { known: PARAMETERS[rules.api] });
  if (problem) return fail(parameterError(problem));
  const version = versionOf(parameters);
  if (!version.ok) return version;
  const granularity = granularityOf(parameters);
  if (!granularity.ok) return granularity;
  const from = timeOf(parameters, 'reportedStartTime', granularity.value, rules);
  if (!from.ok) return from;
  const to = timeOf(parameters, 'reportedEndTime', granularity.value, rules);
  if (!to.ok) return to;
  if (from.value >= to.value) {
    return fail(invalidProperty('reportedStartTime', "must be before 'reportedEndTime'"));
  }
  if (to.value > rules.now) {
    return fail(
      badRequest(
        'RequestEndTimeIsInFuture',
        `The property 'reportedEndTime' is in the future: it is now ${isoText(rules.now)}.`,
      ),
    );
  }
  const subscriberId = subscriberOf(parameters);
  if (!subscriberId.ok) return subscriberId;
  const details = parameters.get('showDetails')?.toLowerCase() ?? 'true';
  if (details !== 'true') return fail(invalidProperty('showDetails', SHOW_DETAILS_PROBLEM));
  return succeed({
    granularity: granularity.value,
    from: from.value,
    to: to.value,
    subscriberId: subscriberId.value,
    continuationToken: parameters.get('continuationToken') ?? null,
  });
};

/** An empty parameter gets the code of a missing one where Azure documents it. */
const parameterError = ({ kind, name, problem }: ParameterProblem): ApiError => {
  if (kind === 'empty' && name === 'api-version') return NO_API_VERSION;
  if (kind === 'empty' && name === 'aggregationGranularity') return INVALID_GRANULARITY;
  return invalidProperty(name, problem);
};

/** Azure's own API leaves out `instanceData` where it is false. That of Azure Stack Hub cannot. */
const SHOW_DETAILS_PROBLEM =
  "is not supported here: leave it out, or write 'true'. Each row has its details";

const NO_API_VERSION = badRequest(
  'NoApiVersion',
  `The query parameter 'api-version' is missing: it must be ${API_VERSION}.`,
);

const INVALID_GRANULARITY = badRequest(
  'InvalidAggregationGranularity',
  "The property 'aggregationGranularity' must be 'daily' or 'hourly'.",
);

const versionOf = (parameters: Parameters): Result<string, ApiError> => {
  const given = parameters.get('api-version');
  if (given === undefined) return fail(NO_API_VERSION);
  return given.toLowerCase() === API_VERSION
    ? succeed(given)
    : fail(invalidProperty('api-version', `must be ${API_VERSION}`));
};

const granularityOf = (parameters: Parameters): Result<Granularity, ApiError> => {
  switch (parameters.get('aggregationGranularity')?.toLowerCase()) {
    case undefined:
    case 'daily':
      return succeed('Daily');
    case 'hourly':
      return succeed('Hourly');
    default:
      return fail(INVALID_GRANULARITY);
  }
};

const timeOf = (
  parameters: Parameters,
  name: string,
  granularity: Granularity,
  { hourMillis }: QueryRules,
): Result<Millis, ApiError> => {
  const given = parameters.get(name);
  if (given === undefined) return fail(invalidProperty(name, 'is missing'));
  const parsed = parseReportedTime(given);
  if (!parsed.ok) return fail(invalidProperty(name, `is wrong: ${parsed.error}`));
  const { instant, isExact } = parsed.value;
  if (!isExact || hourOf(instant, hourMillis) !== instant) {
    return fail(invalidProperty(name, 'must be on the hour'));
  }
  if (granularity === 'Daily' && dayOf(instant, hourMillis) !== instant) {
    return fail(invalidProperty(name, 'must be midnight UTC for daily usage'));
  }
  return succeed(instant);
};

/** Refuses what cannot be a subscription. Whether the caller may see it is decided later. */
const subscriberOf = (parameters: Parameters): Result<string | null, ApiError> => {
  const given = parameters.get('subscriberId');
  if (given === undefined) return succeed(null);
  return isSubscriptionId(given) ? succeed(asciiLower(given)) : fail(notDirectTenant());
};
