import {
  hourOf,
  isoText,
  millis,
  nextHour,
  type Hour,
  type Millis,
} from '../../../shared/model/time.ts';
import { draw } from '../../simulated-cloud/draw.ts';
import type { CloudResource } from '../../simulated-cloud/resource.ts';
import type { FaultPlans } from './fault-plan.ts';

/** Usage is late by up to so many hours: most of it by some hours, some by days. */
const MAX_LATE_HOURS = 72;
const SHORT_LATE_HOURS = 12;
const SHARE_OF_DAYS = 0.25;

/** A provider is gone for so many hours at most. */
const MAX_GONE_HOURS = 12;

/** The furthest that a held hour can lie behind the piece with which it is delivered. */
export const MAX_HELD_HOURS = MAX_LATE_HOURS + MAX_GONE_HOURS;

/** What decides when the usage of an hour is reported. */
export interface HoldingRules {
  readonly provider: string;
  readonly plans: FaultPlans;
  readonly hourMillis: number;
}

/**
 * When the usage of a resource in an hour is delivered, all of it at once; null if nothing holds it back,
 * and it is reported while it is used. An hour is held back as a whole, and follows from the seed alone. So
 * nothing about it has to be remembered.
 */
export const heldUntil = (
  { resourceUri }: Pick<CloudResource, 'resourceUri'>,
  hour: Hour,
  rules: HoldingRules,
): Millis | null => {
  const late = lateUntil(resourceUri, hour, rules);
  if (late === null && !isGone(hour, rules)) return null;
  return backAt(late ?? nextHour(hour, rules.hourMillis), rules);
};

const lateUntil = (resourceUri: string, hour: Hour, rules: HoldingRules): Millis | null => {
  const { seed, late } = rules.plans.at(hour);
  if (late === 0) return null;
  const chance = (what: string): number => draw(seed, what, resourceUri, isoText(hour));
  if (chance('late') >= late) return null;
  const most = chance('days') < SHARE_OF_DAYS ? MAX_LATE_HOURS : SHORT_LATE_HOURS;
  const by = Math.ceil(chance('by') * (most - 1) * rules.hourMillis);
  return millis(nextHour(hour, rules.hourMillis) + by);
};

/** Whether the provider reports nothing in an hour. */
export const isGone = (hour: Hour, { plans, provider }: HoldingRules): boolean => {
  const { seed, gone } = plans.at(hour);
  return gone > 0 && draw(seed, 'gone', provider, isoText(hour)) < gone;
};

/** A provider that is gone delivers nothing: the instant, or the end of the hours in which it is gone. */
const backAt = (instant: Millis, rules: HoldingRules): Millis => {
  let back = instant;
  for (let n = 0; n < MAX_GONE_HOURS; n++) {
    const hour = hourOf(back, rules.hourMillis);
    if (!isGone(hour, rules)) return back;
    back = nextHour(hour, rules.hourMillis);
  }
  return back;
};
