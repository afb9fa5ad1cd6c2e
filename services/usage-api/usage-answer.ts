import { isDeepStrictEqual } from 'node:util';
import { countedSources, firstProcessing } from '../shared/sources/coverage.ts';
import type { DirectoryView } from '../shared/directory/directory-view.ts';
import { isoText, millis } from '../shared/model/time.ts';
import {
  invalidProperty,
  notDirectTenant,
  processingNotComplete,
  restatementNotComplete,
  type ApiError,
} from './api-error.ts';
import { fail, succeed, type Result } from '../shared/model/result.ts';
import type { Keyring } from '../shared/model/control-record.ts';
import type { Caller, UsageApi } from './caller.ts';
import { answerDigest, readToken, type TokenProblem } from './continuation-token.ts';
import { firstUnwritten, restatedHours } from '../shared/sources/restated-hours.ts';
import { rangeCoverage, type RangeCoverage } from './range-coverage.ts';
import { PAGE_ROWS, pageBody } from './usage-page.ts';
import { parseUsageQuery, type VisibleQuery } from './usage-query.ts';
import type { UsageStore } from './usage-store.ts';

export interface UsageAnswerTools {
  readonly store: Pick<UsageStore, 'coverage' | 'restatements' | 'page'>;
  readonly directory: Pick<DirectoryView, 'isTenantOfDefault'>;
  /** Milliseconds since 1970. */
  readonly now: () => number;
  readonly hourMillis: number;
  /** They sign continuation tokens. */
  readonly tokenKeys: Keyring;
}

/** A call of a usage API, as received. */
export interface UsageCall {
  readonly api: UsageApi;
  readonly caller: Caller;
  readonly search: URLSearchParams;
  /** The beginning of links in the answer. */
  readonly origin: string;
}

export interface UsageAnswer {
  /** The JSON of a `UsagePage`. */
  readonly body: Buffer;
  /** Reported hours of the range that were restated after they had closed. */
  readonly restatedHours: readonly string[];
  readonly coverage: RangeCoverage;
}

/** Answers a call. Rethrows the store's errors. */
export const answerUsage = async (
  tools: UsageAnswerTools,
  call: UsageCall,
): Promise<Result<UsageAnswer, ApiError>> => {
  const parsed = parseUsageQuery(call.search, {
    api: call.api,
    now: millis(tools.now()),
    hourMillis: tools.hourMillis,
  });
  if (!parsed.ok) return parsed;
  const query: VisibleQuery = { ...parsed.value, visible: call.caller.visible };
  if (!maySeeSubscriber(query)) return fail(notDirectTenant());
  // The pages after the first one are of an answer that was told: what was true a moment ago holds for them.
  let mayBeRecent = query.continuationToken !== null;
  for (;;) {
    const answer = await answerFromStore(tools, call, query, mayBeRecent);
    // What would refuse the page is looked at again: another instance, which has looked later, may have told the page before.
    if (answer !== null && (answer.ok || !mayBeRecent)) return answer;
    mayBeRecent = false;
  }
};

/**
 * Null if a restatement has begun while rows were read: asked again, it is seen.
 *
 * | a restatement of the range                   | first page                     | page after a token                 |
 * |----------------------------------------------|--------------------------------|------------------------------------|
 * | is begun and not written                     | 202, until it is written       | the token is stale: start again    |
 * | was written after the first page             |                                | the token is stale: start again    |
 * | was written before the first page            | new rows, named in a header    | new rows                           |
 */
const answerFromStore = async (
  tools: UsageAnswerTools,
  call: UsageCall,
  query: VisibleQuery,
  mayBeRecent: boolean,
): Promise<Result<UsageAnswer, ApiError> | null> => {
  const [coverage, restatements] = await Promise.all([
    tools.store.coverage(mayBeRecent),
    tools.store.restatements(query, mayBeRecent),
  ]);
  const processing = firstProcessing(coverage, query.from, query.to);
  if (processing !== null) return fail(processingNotComplete(isoText(processing)));

  const sources = countedSources(coverage, query.from, query.to);
  const restated = restatedHours(restatements, sources);
  const asked = { api: call.api, caller: call.caller.subscription, query };
  const digest = answerDigest(asked, sources, restated);
  const token = query.continuationToken;
  const after = token === null ? succeed(null) : readToken(token, digest, tools.tokenKeys);
  if (!after.ok) return fail(invalidProperty('continuationToken', TOKEN_PROBLEMS[after.error]));
  const unwritten = firstUnwritten(restatements, sources);
  if (unwritten !== null) return fail(restatementNotComplete(isoText(unwritten)));
  const page = await tools.store.page(query, sources, after.value, PAGE_ROWS, {
    digest: `${digest.asked}.${digest.rows}`,
    caller: call.caller.subscription,
    isUnchanged: async () =>
      isDeepStrictEqual(restatedHours(await tools.store.restatements(query), sources), restated),
  });
  if (page === null) return null;
  if (
    page.rows === 0 &&
    token === null &&
    (await isUnknownSubscriber(tools, call.caller.subscription, query))
  ) {
    return fail(notDirectTenant());
  }
  return succeed({
    body: pageBody(page, { ...asked, digest, keys: tools.tokenKeys, origin: call.origin }),
    restatedHours: restated.map(({ hour }) => isoText(hour)),
    coverage: rangeCoverage(coverage, query.from, query.to),
  });
};

const TOKEN_PROBLEMS: Readonly<Record<TokenProblem, string>> = {
  'not-ours':
    'is not a token of this service, or was changed: send it as it stands in nextLink, or start again without it',
  foreign:
    'belongs to another query or caller: repeat the parameters with which its first page was read, or start again without it',
  stale:
    'is stale: after its first page was read, usage in the range was restated, a history run was added, or the caller has got or lost a tenant. Start again without it',
};

const maySeeSubscriber = ({ subscriberId, visible }: VisibleQuery): boolean =>
  subscriberId === null || 'allBut' in visible || visible.includes(subscriberId);

/**
 * Whether an empty answer is about a subscription that is no direct tenant. The default provider may ask
 * for subscriptions that nobody has entered in the directory, so that none of their usage is lost to it. One
 * without usage is answered like one of another provider, after the same work: nothing tells them apart.
 */
const isUnknownSubscriber = async (
  tools: UsageAnswerTools,
  provider: string,
  { subscriberId, visible }: VisibleQuery,
): Promise<boolean> =>
  subscriberId !== null &&
  'allBut' in visible &&
  !(await tools.directory.isTenantOfDefault(subscriberId, provider));
