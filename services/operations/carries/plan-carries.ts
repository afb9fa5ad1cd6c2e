import { ACCEPTED_FOR_MILLIS } from '../../shared/billing/accepted-for.ts';
import { carryTarget } from '../../shared/billing/carry-target.ts';
import type { Holding } from '../../shared/billing/commerce-holdings.ts';
import { isSameDouble } from '../../shared/billing/double.ts';
import { asciiLower, resourceKey } from '../../shared/model/placement.ts';
import type { Source } from '../../shared/model/source.ts';
import type { Millis } from '../../shared/model/time.ts';
import type { UnbilledSubmission } from './unbilled-submissions.ts';

/** What is done with a submission. */
export type CarryPlan =
  | { readonly kind: 'carry' }
  /** Commerce has accepted it: the answer was lost, or it was sent by something else. */
  | { readonly kind: 'at-commerce'; readonly quantity: number; readonly isSame: boolean }
  | { readonly kind: 'left'; readonly why: string };

export interface PlanWorld {
  /** By `sourceName`. */
  readonly sources: ReadonlyMap<string, Source>;
  /** What Commerce holds for the hours of the submissions. */
  readonly holdings: readonly Holding[];
  /** The meters, in lower case, that the newest billing terms know. */
  readonly knownMeters: ReadonlySet<string>;
  readonly now: Millis;
  /** Whether submissions are carried although Commerce may still accept their hour. */
  readonly atOnce: boolean;
}

const CLOCKS_DIFFER_BY = 3_600_000;

const holdingKey = (hour: number, resourceUri: string, dimension: string): string =>
  `${String(hour)}\0${resourceKey(resourceUri)}\0${asciiLower(dimension)}`;

/**
 * Decides what to do with submissions that are held or were refused:
 *
 * | submission                                             | plan                                      |
 * |--------------------------------------------------------|-------------------------------------------|
 * | Commerce holds something for it                        | recorded: accepted, or a mismatch         |
 * | its quantity can go nowhere                            | left                                      |
 * | one of its meters is unknown to the newest terms       | left: it would be held again              |
 * | it was sent, and Commerce may still accept its hour    | left: a frozen bridge could send it still |
 * | other                                                  | carried                                   |
 */
export const planCarries = (
  submissions: readonly UnbilledSubmission[],
  { sources, holdings, knownMeters, now, atOnce }: PlanWorld,
): readonly CarryPlan[] => {
  const held = new Map(
    holdings.map((each) => [holdingKey(each.hour, each.resourceUri, each.dimension), each]),
  );
  return submissions.map(({ at, hour, submission, code }): CarryPlan => {
    const { resourceUri, dimension, quantity, meters } = submission;
    const holding = held.get(holdingKey(hour, resourceUri, dimension));
    if (holding) {
      const isSame = isSameDouble(quantity, holding.quantity);
      return { kind: 'at-commerce', quantity: holding.quantity, isSame };
    }
    const target = carryTarget(sources, at, resourceUri);
    if (target.kind === 'nowhere') return { kind: 'left', why: target.why };
    const unknown = meters.find((meter) => !knownMeters.has(asciiLower(meter)));
    if (unknown !== undefined) {
      return {
        kind: 'left',
        why: `The newest billing terms do not know the meter ${unknown}: add it to schemas/meters.json.`,
      };
    }
    const wasSent = code !== '';
    if (wasSent && !atOnce && now < hour + ACCEPTED_FOR_MILLIS + CLOCKS_DIFFER_BY) {
      return {
        kind: 'left',
        why: 'Commerce may still accept its hour, from a bridge that was frozen: try again 25 hours after it, or give --at-once if no other bridge runs.',
      };
    }
    return { kind: 'carry' };
  });
};
