import { isoText } from '../shared/model/time.ts';
import { writeToken } from './continuation-token.ts';
import { usageAggregateResource, type UsageAggregateResource, type UsageRow } from './usage-row.ts';
import { API_VERSION, type UsageQuery } from './usage-query.ts';

/** Rows of a page at most, as Azure Stack Hub has it. */
export const PAGE_ROWS = 1000;

export interface UsagePage {
  readonly value: readonly UsageAggregateResource[];
  /** Where the next page is; not there on the last one. */
  readonly nextLink?: string;
}

/** What a page says of itself besides its rows. */
export interface PageContext {
  readonly query: UsageQuery;
  readonly digest: string;
  /** The provider's subscription. */
  readonly caller: string;
  /** What a link begins with: `http://127.0.0.1:8080` */
  readonly origin: string;
}

/** @param rows in order, one more than a page has where there is a next one */
export const usagePage = (rows: readonly UsageRow[], context: PageContext): UsagePage => {
  const page = rows.slice(0, PAGE_ROWS);
  const value = page.map((row) => usageAggregateResource(row, context.caller));
  const last = page.at(-1);
  if (rows.length <= PAGE_ROWS || last === undefined) return { value };
  return { value, nextLink: linkTo(context, writeToken(context.digest, last)) };
};

export const usagePath = (subscription: string): string =>
  `/subscriptions/${subscription}/providers/Microsoft.Commerce.Admin/subscriberUsageAggregates`;

const linkTo = ({ query, caller, origin }: PageContext, token: string): string => {
  const search = new URLSearchParams({
    reportedStartTime: isoText(query.from),
    reportedEndTime: isoText(query.to),
    aggregationGranularity: query.granularity,
    ...(query.subscriberId !== null && { subscriberId: query.subscriberId }),
    'api-version': API_VERSION,
    continuationToken: token,
  });
  return `${origin}${usagePath(caller)}?${search.toString()}`;
};
