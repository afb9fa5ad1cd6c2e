import type { Usage } from '../../../provider-sdk/usage.ts';
import {
  hourOf,
  isoText,
  millis,
  nextHour,
  type Hour,
  type Millis,
} from '../../../shared/model/time.ts';
import { usageOf } from '../../simulated-cloud/consumption.ts';
import { draw } from '../../simulated-cloud/draw.ts';
import type { CloudResource } from '../../simulated-cloud/resource.ts';
import type { Piece } from '../reporting/progress.ts';
import type { FaultPlan } from './fault-plan.ts';
import { heldUntil, isGone, MAX_HELD_HOURS, type HoldingRules } from './held-back.ts';

/** What decides which report a provider makes of its resources. */
export interface ReportingRules extends HoldingRules {
  /** Nothing that was used before is ever reported. The start of an hour. */
  readonly begin: Millis;
}

/** What a provider sends for one piece of time. */
export interface Report {
  readonly usage: readonly Usage[];
  /** Usage whose records are sent a second time, spoiled: see `malformed.ts`. */
  readonly spoiled: readonly Usage[];
}

/**
 * What a provider reports when a piece of time has ended: what its resources used in it, and what was held
 * back until then. It follows from its arguments alone, so the report is the same if it is made again, and
 * a test knows what must come out:
 *
 * - the usage of each resource and hour is reported either in its pieces or held back and reported at once
 * - `duplicate`, `skew` and `malformed` change nothing about how much is counted
 */
export const reportOf = (
  resources: readonly CloudResource[],
  piece: Piece,
  rules: ReportingRules,
): Report => {
  const hour = hourOf(piece.from, rules.hourMillis);
  const plan = rules.plans.at(piece.from);
  const usage = resources
    .filter((resource) => heldUntil(resource, hour, rules) === null)
    .flatMap((resource) => misreported(resource, piece, plan, rules));
  const held = rules.plans.holdsBack ? heldUntilPiece(resources, piece, rules) : [];
  const all = [...usage, ...held];
  return {
    usage: [...all, ...all.filter((each) => happens(each, 'duplicate', rules))],
    spoiled: all.filter((each) => happens(each, 'malformed', rules)),
  };
};

/** The usage of past hours that is due in a piece. */
const heldUntilPiece = (
  resources: readonly CloudResource[],
  piece: Piece,
  rules: ReportingRules,
): readonly Usage[] => {
  const { begin, hourMillis } = rules;
  const current = hourOf(piece.from, hourMillis);
  const first = Math.max(begin, current - MAX_HELD_HOURS * hourMillis);
  const due: Usage[] = [];
  for (let start = first; start < current; start += hourMillis) {
    const hour = start as Hour;
    const plan = rules.plans.at(hour);
    if (plan.late === 0 && !isGone(hour, rules)) continue;
    const whole = { from: hour, to: millis(hour + hourMillis) };
    for (const resource of resources) {
      const until = heldUntil(resource, hour, rules);
      if (until === null || until < piece.from || until >= piece.to) continue;
      due.push(...misreported(resource, whole, plan, rules));
    }
  }
  return due;
};

/** What a resource used, by the clock of its machine. */
const misreported = (
  resource: CloudResource,
  { from, to }: Piece,
  plan: FaultPlan,
  { hourMillis }: ReportingRules,
): readonly Usage[] => {
  const usage = usageOf(resource, from, to, hourMillis);
  const offset = clockOffset(resource, plan, { from, to }, hourMillis);
  if (offset === 0) return usage;
  return usage.map((each) => ({
    ...each,
    from: Number(each.from) + offset,
    to: Number(each.to) + offset,
    // The period may be that of other usage, from before the clock was wrong.
    discriminator: `clock ${String(offset)}`,
  }));
};

/** A clock that is wrong is behind by up to so many hours. */
const MAX_BEHIND_HOURS = 2;

const clockOffset = (
  { resourceUri }: CloudResource,
  { seed, skew }: FaultPlan,
  { from, to }: Piece,
  hourMillis: number,
): number => {
  if (skew === 0 || draw(seed, 'skew', resourceUri) >= skew) return 0;
  const by = draw(seed, 'skew by', resourceUri);
  if (draw(seed, 'ahead', resourceUri) >= 0.3)
    return -Math.ceil(by * MAX_BEHIND_HOURS * hourMillis);
  // Usage that has not begun when it is reported would be refused, so a clock is not ahead by more than this.
  const endOfHour = nextHour(hourOf(from, hourMillis), hourMillis);
  return Math.min(Math.floor((by * (to - from)) / 2), endOfHour - to);
};

const happens = (
  usage: Usage,
  fault: 'duplicate' | 'malformed',
  { plans }: ReportingRules,
): boolean => {
  const at = millis(Number(usage.from));
  const plan = plans.at(at);
  if (plan[fault] === 0) return false;
  return draw(plan.seed, fault, usage.resourceUri, usage.meterId, isoText(at)) < plan[fault];
};
