import { ERROR_CODES } from './api-error.ts';
import {
  codesOf,
  errorResponse,
  header,
  ref,
  REQUEST_ID_HEADERS,
  RETRY_AFTER,
  sureHeader,
  type Part,
} from './openapi-parts.ts';
import { API_VERSION } from './usage-query.ts';
import {
  COVERAGE_HEADER,
  NOT_COVERED_HEADER,
  REMAINING_READS_HEADER,
  RESTATED_HEADER,
} from './usage-routes.ts';

const parameter = (description: string, required: boolean, schema: Part): Part => ({
  in: 'query',
  description,
  required,
  schema,
});

const reportedTime = (bound: string, example: string): Part =>
  parameter(
    `${bound} of the range, in reported time: on the hour, or midnight UTC for daily usage. UTC if it has no offset.`,
    true,
    { type: 'string', format: 'date-time', examples: [example] },
  );

const PARAMETERS: Readonly<Record<string, Part>> = {
  'api-version': parameter('The version of the API.', true, { enum: [API_VERSION] }),
  aggregationGranularity: parameter('Rows by usage hour or usage day, in any case.', false, {
    enum: ['Daily', 'Hourly', 'daily', 'hourly'],
    default: 'Daily',
  }),
  reportedStartTime: reportedTime('Inclusive start', '2019-12-10T00:00:00Z'),
  reportedEndTime: reportedTime('Exclusive end', '2019-12-11T00:00:00Z'),
  subscriberId: parameter('One direct tenant. All of them without it.', false, {
    type: 'string',
    format: 'uuid',
  }),
  showDetails: parameter('Each row has its details: false is not supported.', false, {
    enum: ['true'],
    default: 'true',
  }),
  continuationToken: parameter(
    'From a nextLink. The other parameters are repeated beside it.',
    false,
    { type: 'string', minLength: 1 },
  ),
};

/** The parameters of both usage APIs, by name. */
export const USAGE_PARAMETERS: Part = Object.fromEntries(
  Object.entries(PARAMETERS).map(([name, part]) => [name, { name, ...part }]),
);

/** Headers that every answer of a status has. */
const HEADERS_OF: Readonly<Record<number, Part>> = {
  202: RETRY_AFTER,
  401: { 'www-authenticate': sureHeader('The challenge: a bearer token.') },
  429: RETRY_AFTER,
  503: RETRY_AFTER,
  504: {
    ...RETRY_AFTER,
    'x-ms-failure-cause': sureHeader('What did not answer.', { const: 'service' }),
  },
};

const REMAINING_READS: Part = {
  [REMAINING_READS_HEADER]: sureHeader('Reads that the subscription has left for now.', {
    type: 'string',
    pattern: '^\\d+$',
  }),
};

const PAGE_RESPONSE: Part = {
  description: 'A page of at most 1,000 rows.',
  headers: {
    ...REQUEST_ID_HEADERS,
    ...REMAINING_READS,
    [COVERAGE_HEADER]: sureHeader('Whether sources answer for the range.', {
      enum: ['complete', 'partly', 'not-covered'],
    }),
    [NOT_COVERED_HEADER]: header('Spans of reported time for which no source answers.'),
    [RESTATED_HEADER]: header('Reported hours that were restated after they had closed.'),
  },
  content: { 'application/json': { schema: ref('schemas', 'UsageAggregatePage') } },
};

/** The responses of a usage API: a page, or an error of each status that there is. */
export const usageResponses = (): Part => {
  const statuses = [...new Set(Object.values(ERROR_CODES).flat())];
  return {
    200: PAGE_RESPONSE,
    ...Object.fromEntries(
      statuses.map((status) => [status, errorResponse(codesOf(status), HEADERS_OF[status])]),
    ),
  };
};
