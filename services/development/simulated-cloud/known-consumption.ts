import type { Quantity } from '../../shared/model/decimal.ts';
import {
  HOUR_MILLIS,
  hourOf,
  millis,
  nextHour,
  type Hour,
  type Millis,
} from '../../shared/model/time.ts';
import { KINDS } from './kinds.ts';
import type { Measure } from './measure.ts';
import type { CloudResource } from './resource.ts';
import type { ResourceState } from './resource-state.ts';

/** What a resource consumed of a meter in an hour. */
export interface Consumption {
  readonly resource: CloudResource;
  readonly meterId: string;
  readonly usageHour: Hour;
  readonly quantity: Quantity;
}

const PLACES = 10n ** 30n;

/**
 * What the resources consumed in the hours of a range, exactly, cut after 30 decimals. It is the other side
 * of a comparison with what came out of the pipeline, so it shares nothing with `usageOf` but the facts: what
 * a resource holds and how often it is used. Lives and quantities are worked out here again.
 */
export function* knownConsumption(
  resources: readonly CloudResource[],
  from: Millis,
  to: Millis,
  hourMillis: number = HOUR_MILLIS,
): Generator<Consumption, void, undefined> {
  for (let hour = hourOf(from, hourMillis); hour < to; hour = nextHour(hour, hourMillis)) {
    const start = Math.max(hour, from);
    const end = Math.min(nextHour(hour, hourMillis), to);
    for (const resource of resources) {
      for (const [meterId, { measure, amount }] of amountsOf(
        resource,
        hour,
        start,
        end,
        hourMillis,
      )) {
        const quantity = quantityOf(measure, amount, hourMillis);
        if (quantity > 0n) yield { resource, meterId, usageHour: hour, quantity };
      }
    }
  }
}

interface Amount {
  readonly measure: Measure;
  /** In raw units × milliseconds. */
  readonly amount: bigint;
}

const amountsOf = (
  resource: CloudResource,
  hour: Hour,
  start: number,
  end: number,
  hourMillis: number,
): ReadonlyMap<string, Amount> => {
  const amounts = new Map<string, Amount>();
  const moments = [
    ...new Set([
      start,
      ...resource.changes.map(({ at }) => at).filter((at) => at > start && at < end),
    ]),
  ].sort((a, b) => a - b);
  moments.forEach((moment, n) => {
    const state = stateOf(resource, millis(moment));
    if (state === null) return;
    const lasted = BigInt((moments[n + 1] ?? end) - moment);
    const { resourceUri } = resource;
    for (const measure of KINDS[resource.kind].measures({ resourceUri, state, hour, hourMillis })) {
      const before = amounts.get(measure.meterId)?.amount ?? 0n;
      amounts.set(measure.meterId, { measure, amount: before + measure.perHour * lasted });
    }
  });
  return amounts;
};

/** By the last changes of each kind, not step by step. */
const stateOf = ({ changes }: CloudResource, instant: Millis): ResourceState | null => {
  const past = changes.filter(({ at }) => at <= instant);
  const life = past.slice(past.findLastIndex(({ kind }) => kind === 'deleted') + 1);
  const birth = life.findIndex(({ kind }) => kind === 'created');
  const created = life[birth];
  if (created?.kind !== 'created') return null;
  const since = life.slice(birth + 1);
  const resized = since.findLast((change) => change.kind === 'resized');
  const onAgain = since.findLastIndex(({ kind }) => kind === 'started');
  const off = since.slice(onAgain + 1);
  const power = off.some(({ kind }) => kind === 'deallocated')
    ? 'deallocated'
    : off.some(({ kind }) => kind === 'stopped')
      ? 'stopped'
      : 'running';
  return { power, size: resized?.size ?? created.size, os: created.os ?? null };
};

const quantityOf = (
  { perUnit, isWhole }: Measure,
  amount: bigint,
  hourMillis: number,
): Quantity => {
  const whole = amount / BigInt(hourMillis);
  const exact = isWhole
    ? (whole * PLACES) / perUnit
    : (amount * PLACES) / (BigInt(hourMillis) * perUnit);
  return exact as Quantity;
};
