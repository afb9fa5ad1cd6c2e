import { isoText } from '../shared/model/time.ts';
import type { Keyring } from '../shared/model/control-record.ts';
import { writeToken, type AnswerDigest, type Asked } from './continuation-token.ts';
import type { PageText } from './page-text.ts';
import type { UsageAggregateResource } from './usage-row.ts';
import { usagePath } from './usage-path.ts';
import { API_VERSION } from './usage-query.ts';

/** The most rows of a page, as in Azure Stack Hub. */
export const PAGE_ROWS = 1000;

export interface UsagePage {
  readonly value: readonly UsageAggregateResource[];
  /** The URL of the next page; absent on the last page. */
  readonly nextLink?: string;
}

/** What a page needs to know besides its rows. */
export interface PageContext extends Asked {
  readonly digest: AnswerDigest;
  /** The first one signs. */
  readonly keys: Keyring;
  /** The beginning of a link: `http://127.0.0.1:8080` */
  readonly origin: string;
}

/** The JSON of a `UsagePage`. */
export const pageBody = ({ list, end }: PageText, context: PageContext): Buffer => {
  if (end === null) return Buffer.concat([HEAD, list, Buffer.from('}')]);
  const link = linkTo(context, writeToken(context.digest, end, context.keys));
  return Buffer.concat([HEAD, list, Buffer.from(`,"nextLink":${JSON.stringify(link)}}`)]);
};

const HEAD = Buffer.from('{"value":');

const linkTo = ({ api, query, caller, origin }: PageContext, token: string): string => {
  const search = new URLSearchParams({
    reportedStartTime: isoText(query.from),
    reportedEndTime: isoText(query.to),
    aggregationGranularity: query.granularity,
    ...(query.subscriberId !== null && { subscriberId: query.subscriberId }),
    'api-version': API_VERSION,
    continuationToken: token,
  });
  return `${origin}${usagePath(api, caller)}?${search.toString()}`;
};
