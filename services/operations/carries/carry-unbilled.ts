import { meterTerms } from '../../shared/billing/billing-terms.ts';
import { CarryLog } from '../../shared/billing/carry-log.ts';
import { carryTarget } from '../../shared/billing/carry-target.ts';
import type { Holding } from '../../shared/billing/commerce-holdings.ts';
import { heldOutcome, outcomeOf, type Outcome } from '../../shared/billing/outcome.ts';
import { outcomeRow } from '../../shared/billing/outcome-row.ts';
import { readTerms } from '../../shared/billing/terms-table.ts';
import { insertRows } from '../../shared/clickhouse/client.ts';
import { sourceName } from '../../shared/model/source.ts';
import { millis, type Hour } from '../../shared/model/time.ts';
import { carryOf, type CarryReason } from '../../shared/model/usage-carry.ts';
import { OUT_PARTITIONS } from '../../shared/sources/check-topics.ts';
import { readSources, recordOperation } from '../../shared/sources/register.ts';
import type { SourceTools } from '../../shared/sources/source-opening.ts';
import { planCarries, type CarryPlan } from './plan-carries.ts';
import {
  readUnbilled,
  type SubmissionFilter,
  type UnbilledSubmission,
} from './unbilled-submissions.ts';

export interface CarryOptions {
  readonly filter: SubmissionFilter;
  readonly atOnce: boolean;
  /** Only report what would be done. */
  readonly dryRun: boolean;
  readonly reason: string;
  /** The aggregates topic. */
  readonly topic: string;
  /** Asks Commerce what it has accepted since an hour. */
  readonly holdingsSince: (hour: Hour) => Promise<readonly Holding[]>;
}

export interface Planned {
  readonly submission: UnbilledSubmission;
  readonly plan: CarryPlan;
}

/**
 * Carries submissions that are held, or that Commerce refused for good, into a later hour; what Commerce
 * has accepted all the same is recorded. May be repeated: the first carry of a submission counts, and the
 * bridge that composes it records it too.
 *
 * 1. Commerce is asked what it holds
 * 2. carries are appended
 * 3. outcomes and the operation are recorded
 */
export const carryUnbilled = async (
  { clickHouse, writer, keyring }: SourceTools,
  { filter, atOnce, dryRun, reason, topic, holdingsSince }: CarryOptions,
): Promise<readonly Planned[]> => {
  const submissions = await readUnbilled(clickHouse, filter);
  const [first] = submissions;
  if (!first) return [];
  const newest = (await readTerms(clickHouse)).at(-1);
  const sources = new Map(
    (await readSources(clickHouse))
      .filter(({ state }) => state !== 'declared')
      .map((source) => [sourceName(source), source]),
  );
  const plans = planCarries(submissions, {
    sources,
    // Held usage was never sent.
    holdings: filter.outcome === 'held' ? [] : await holdingsSince(first.hour),
    knownMeters: new Set(newest && meterTerms(newest).keys()),
    now: millis(Date.now()),
    atOnce,
  });
  const planned = submissions.map((submission, n): Planned => {
    const plan = plans[n];
    if (!plan) throw new Error('a submission has no plan');
    return { submission, plan };
  });
  const settled = planned.filter(({ plan }) => plan.kind !== 'left');
  if (dryRun || settled.length === 0) return planned;
  const why: CarryReason = filter.outcome === 'held' ? 'released' : 'resubmitted';
  const carries = planned.filter(({ plan }) => plan.kind === 'carry');
  const log = new CarryLog(writer, {
    topic,
    partitions: OUT_PARTITIONS,
    keyring,
    now: Date.now,
    movesTo: (carry) => {
      const target = carryTarget(sources, carry, carry.resourceUri);
      return target.kind === 'elsewhere' ? target.to : null;
    },
  });
  await log.appendCarries(carries.map(({ submission }) => carryOf(submission, why)));
  await insertRows(
    clickHouse,
    'commerce_outcomes',
    settled.map((each) => outcomeRow(outcomeFor(each, why, reason))),
  );
  await recordOperation(clickHouse, {
    kind: `usage-${why}`,
    subject: [...new Set(settled.map(({ submission }) => submission.at.topic))].join(', '),
    detail: {
      reason,
      carried: carries.length,
      atCommerce: settled.length - carries.length,
      submissions: settled
        .slice(0, 100)
        .map(({ submission }) => submission.submission.submissionId),
    },
  });
  return planned;
};

const outcomeFor = ({ submission, plan }: Planned, why: CarryReason, reason: string): Outcome =>
  plan.kind === 'at-commerce'
    ? heldOutcome(submission, 'accepted', plan.quantity, '')
    : outcomeOf(submission, 'carried', { code: why, message: reason });
