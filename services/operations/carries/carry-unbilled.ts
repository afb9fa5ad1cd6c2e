import { meterTerms, type BillingTerms } from '../../shared/billing/billing-terms.ts';
import { CarryLog } from '../../shared/billing/carry-log.ts';
import { movesTo, withLog } from '../../shared/billing/carry-target.ts';
import type { Holding } from '../../shared/billing/commerce-holdings.ts';
import { heldOutcome, outcomeOf, type Outcome } from '../../shared/billing/outcome.ts';
import { outcomeRow } from '../../shared/billing/outcome-row.ts';
import { readTerms } from '../../shared/billing/terms-table.ts';
import { insertRows } from '../../shared/clickhouse/client.ts';
import type { LogWriter } from '../../shared/kafka/log-writer.ts';
import type { Keyring } from '../../shared/model/control-record.ts';
import type { Source } from '../../shared/model/source.ts';
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
}

/** What became of submissions because somebody asked for it. */
export interface CarryOperation {
  readonly kind: `usage-${CarryReason}`;
  readonly subject: string;
  readonly detail: Readonly<Record<string, unknown>>;
}

export interface CarryPorts {
  readonly unbilled: (filter: SubmissionFilter) => Promise<readonly UnbilledSubmission[]>;
  readonly terms: () => Promise<readonly BillingTerms[]>;
  readonly sources: () => Promise<readonly Source[]>;
  /** Asks Commerce what it has accepted since an hour. */
  readonly holdingsSince: (hour: Hour) => Promise<readonly Holding[]>;
  readonly writer: LogWriter;
  readonly keyring: Keyring;
  /** The aggregates topic, and the number of its partitions. */
  readonly topic: string;
  readonly partitions: number;
  readonly writeOutcomes: (outcomes: readonly Outcome[]) => Promise<void>;
  readonly record: (operation: CarryOperation) => Promise<void>;
  readonly now: () => number;
}

/** The ports of a command on this machine. */
export const carryPorts = (
  { clickHouse, writer, keyring }: SourceTools,
  topic: string,
  holdingsSince: CarryPorts['holdingsSince'],
): CarryPorts => ({
  unbilled: (filter) => readUnbilled(clickHouse, filter),
  terms: () => readTerms(clickHouse),
  sources: () => readSources(clickHouse),
  holdingsSince,
  writer,
  keyring,
  topic,
  partitions: OUT_PARTITIONS,
  writeOutcomes: (outcomes) =>
    insertRows(clickHouse, 'commerce_outcomes', outcomes.map(outcomeRow)),
  record: (operation) => recordOperation(clickHouse, operation),
  now: Date.now,
});

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
  ports: CarryPorts,
  { filter, atOnce, dryRun, reason }: CarryOptions,
): Promise<readonly Planned[]> => {
  const submissions = await ports.unbilled(filter);
  const [first] = submissions;
  if (!first) return [];
  const newest = (await ports.terms()).at(-1);
  const sources = withLog(await ports.sources());
  const plans = planCarries(submissions, {
    sources,
    // Held usage was never sent.
    holdings: filter.outcome === 'held' ? [] : await ports.holdingsSince(first.hour),
    knownMeters: new Set(newest && meterTerms(newest).keys()),
    now: millis(ports.now()),
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
  const log = new CarryLog(ports.writer, {
    ...ports,
    movesTo: (carry) => movesTo(sources, carry, carry.resourceUri),
  });
  await log.appendCarries(carries.map(({ submission }) => carryOf(submission, why)));
  await ports.writeOutcomes(settled.map((each) => outcomeFor(each, why, reason)));
  await ports.record({
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
