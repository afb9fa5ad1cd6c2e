import { createHash } from 'node:crypto';
import { parseReportedTime } from '../../../shared/http/reported-time.ts';
import { fail, succeed, type Result } from '../../../shared/model/result.ts';
import { DAY_MILLIS, isoText, millis, type Millis } from '../../../shared/model/time.ts';

export const USAGE_AGGREGATES_PARAMETERS = [
  'reportedStartTime',
  'reportedEndTime',
  'aggregationGranularity',
  'showDetails',
  'continuationToken',
] as const;

type Parameter = (typeof USAGE_AGGREGATES_PARAMETERS)[number];

export type Granularity = 'Daily' | 'Hourly';

export interface UsageAggregatesQuery {
  /** When usage was accepted: inclusive. */
  readonly from: Millis;
  /** Exclusive. */
  readonly to: Millis;
  readonly granularity: Granularity;
  /** False collapses all instances of a meter. */
  readonly showDetails: boolean;
  /** The number of rows on the pages before. */
  readonly skip: number;
}

/** Why a query is refused: codes that Azure Stack Hub's usage API documents. */
export interface QueryRefusal {
  readonly code: 'InvalidProperty' | 'RequestEndTimeIsInFuture' | 'InvalidAggregationGranularity';
  readonly message: string;
}

const HOUR_MILLIS = 3_600_000;
const LENGTHS: Readonly<Record<Granularity, number>> = {
  Daily: DAY_MILLIS,
  Hourly: HOUR_MILLIS,
};

export const lengthOf = (granularity: Granularity): number => LENGTHS[granularity];

type Refused = Result<never, QueryRefusal>;

const invalid = (name: Parameter, problem: string): Refused =>
  fail({ code: 'InvalidProperty', message: `The property '${name}' ${problem}.` });

type Parameters = ReadonlyMap<string, string>;

/** @param parameters by the names of `USAGE_AGGREGATES_PARAMETERS` */
export const readUsageAggregatesQuery = (
  parameters: Parameters,
  now: Millis,
): Result<UsageAggregatesQuery, QueryRefusal> => {
  const granularity = readGranularity(parameters.get('aggregationGranularity'));
  if (!granularity.ok) return granularity;
  const from = readTime(parameters, 'reportedStartTime', granularity.value);
  if (!from.ok) return from;
  const to = readTime(parameters, 'reportedEndTime', granularity.value);
  if (!to.ok) return to;
  if (to.value <= from.value) return invalid('reportedEndTime', 'must be after reportedStartTime');
  if (to.value > now) {
    return fail({
      code: 'RequestEndTimeIsInFuture',
      message: `The reportedEndTime ${isoText(to.value)} is in the future.`,
    });
  }
  const showDetails = (parameters.get('showDetails') ?? 'true').toLowerCase();
  if (showDetails !== 'true' && showDetails !== 'false') {
    return invalid('showDetails', 'must be true or false');
  }
  const query = {
    from: from.value,
    to: to.value,
    granularity: granularity.value,
    showDetails: showDetails === 'true',
  };
  const token = parameters.get('continuationToken');
  const skip = token === undefined ? 0 : skipOf(token, query);
  return skip === null
    ? invalid('continuationToken', 'does not belong to this query')
    : succeed({ ...query, skip });
};

const readGranularity = (text: string | undefined): Result<Granularity, QueryRefusal> => {
  if (text === undefined || /^daily$/i.test(text)) return succeed('Daily');
  if (/^hourly$/i.test(text)) return succeed('Hourly');
  return fail({
    code: 'InvalidAggregationGranularity',
    message: 'The aggregationGranularity must be Daily or Hourly.',
  });
};

const readTime = (
  parameters: Parameters,
  name: Parameter,
  granularity: Granularity,
): Result<Millis, QueryRefusal> => {
  const text = parameters.get(name);
  if (text === undefined) return invalid(name, 'is missing');
  const parsed = parseReportedTime(text);
  if (!parsed.ok) return invalid(name, `is wrong: ${parsed.error}`);
  const { instant, isExact } = parsed.value;
  if (instant < 0 || !isExact || instant % lengthOf(granularity) !== 0) {
    return invalid(
      name,
      granularity === 'Daily' ? 'must be a midnight in UTC' : 'must be a whole hour',
    );
  }
  return succeed(instant);
};

type Asked = Omit<UsageAggregatesQuery, 'skip'>;

const digestOf = ({ from, to, granularity, showDetails }: Asked): string =>
  createHash('sha256')
    .update(JSON.stringify([from, to, granularity, showDetails]))
    .digest('base64url')
    .slice(0, 16);

/** The token of the page behind this many rows. A reported range does not change, so a number is enough. */
export const tokenFor = (query: Asked, skip: number): string =>
  Buffer.from(`${digestOf(query)}.${String(skip)}`).toString('base64url');

const skipOf = (token: string, query: Asked): number | null => {
  const [, digest, number = ''] =
    /^([\w-]{16})\.(\d{1,9})$/.exec(Buffer.from(token, 'base64url').toString('utf8')) ?? [];
  return digest === digestOf(query) ? Number(number) : null;
};

/** What is accepted in the last instant of a range may still be on its way to the disk. */
const SETTLING_MILLIS = 60_000;

/** How long until a range is complete: at least a second, or 0. */
export const waitFor = ({ to }: Asked, now: Millis): number => {
  const left = millis(to + SETTLING_MILLIS - now);
  return left <= 0 ? 0 : Math.ceil(left / 1000);
};
