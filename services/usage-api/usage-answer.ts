import { countedSources, firstProcessing } from '../shared/sources/coverage.ts';
import { isoText, millis } from '../shared/model/time.ts';
import { invalidProperty, processingNotComplete, type ApiError } from './api-error.ts';
import { fail, succeed, type Result } from '../shared/model/result.ts';
import { callingSubscription } from './caller.ts';
import { answerDigest, readToken } from './continuation-token.ts';
import { restatedHours } from './restated-hour.ts';
import { rangeCoverage, type RangeCoverage } from './range-coverage.ts';
import { PAGE_ROWS, usagePage, type UsagePage } from './usage-page.ts';
import { parseUsageQuery } from './usage-query.ts';
import type { UsageStore } from './usage-store.ts';

export interface UsageAnswerTools {
  readonly store: Pick<UsageStore, 'coverage' | 'restatements' | 'rows'>;
  readonly providerSubscription: string;
  /** Milliseconds since 1970. */
  readonly now: () => number;
  readonly hourMillis: number;
}

/** A call of `subscriberUsageAggregates`, as received. */
export interface UsageCall {
  /** From the path; empty if it is missing. */
  readonly subscription: string;
  readonly search: URLSearchParams;
  /** The beginning of links in the answer. */
  readonly origin: string;
}

export interface UsageAnswer {
  readonly page: UsagePage;
  /** Reported hours of the range that were restated after they had closed. */
  readonly restatedHours: readonly string[];
  readonly coverage: RangeCoverage;
}

/** Answers a call. Rethrows the store's errors. */
export const answerUsage = async (
  tools: UsageAnswerTools,
  call: UsageCall,
): Promise<Result<UsageAnswer, ApiError>> => {
  const caller = callingSubscription(call.subscription, tools.providerSubscription);
  if (!caller.ok) return caller;
  const parsed = parseUsageQuery(call.search, {
    now: millis(tools.now()),
    hourMillis: tools.hourMillis,
  });
  if (!parsed.ok) return parsed;
  const query = parsed.value;

  const [coverage, restatements] = await Promise.all([
    tools.store.coverage(),
    tools.store.restatements(query),
  ]);
  const processing = firstProcessing(coverage, query.from, query.to);
  if (processing !== null) return fail(processingNotComplete(isoText(processing)));

  const sources = countedSources(coverage, query.from, query.to);
  const restated = restatedHours(restatements, sources);
  const digest = answerDigest(query, sources, restated);
  const token = query.continuationToken;
  const after = token === null ? null : readToken(token, digest);
  if (token !== null && after === null) {
    return fail(
      invalidProperty(
        'continuationToken',
        'does not continue an answer to this query: start again without it',
      ),
    );
  }
  // A restatement is recorded before its rows are written: until then, and so from then on, rows may change.
  const lasting = restated.length === 0 ? digest : null;
  const rows = await tools.store.rows(query, sources, after, PAGE_ROWS + 1, lasting);
  const page = usagePage(rows, { query, digest, caller: caller.value, origin: call.origin });
  return succeed({
    page,
    restatedHours: restated.map(({ hour }) => isoText(hour)),
    coverage: rangeCoverage(coverage, query.from, query.to),
  });
};
