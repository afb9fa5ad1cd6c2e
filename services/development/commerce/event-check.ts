import { asciiLower } from '../../shared/model/placement.ts';
import { hourOf, type Millis } from '../../shared/model/time.ts';
import { parseTimeInUtc } from '../../shared/model/time-text.ts';
import { isName, readAdditionalInfo } from './additional-info.ts';
import type { MeteringEvent, Resource } from './metering-event.ts';

/** Why an event is refused, in the words of the API (docs/azure.md, "Batch statuses"). */
export const REFUSED_STATUSES = [
  'BadArgument',
  'InvalidQuantity',
  'InvalidDimension',
  'Expired',
  'ResourceNotFound',
  'ResourceNotAuthorized',
  'ResourceNotActive',
  'Error',
] as const;

export type RefusedStatus = (typeof REFUSED_STATUSES)[number];

export interface Detail {
  /** The field that is wrong. */
  readonly target: string;
  readonly message: string;
}

export interface Refused {
  readonly kind: 'refused';
  readonly status: RefusedStatus;
  readonly details: readonly Detail[];
}

export interface CheckRules {
  readonly now: Millis;
  /** Null for any age. */
  readonly maxAgeMillis: number | null;
  readonly hourMillis: number;
  /** Lower-case ids of the existing dimensions; null if every dimension exists. */
  readonly dimensions: ReadonlySet<string> | null;
}

export type Checked = { readonly kind: 'valid'; readonly event: MeteringEvent } | Refused;

/** As the real service words them, mistakes included (test data of `microsoft/metered-billing-accelerator`). */
export const SAID = {
  time: 'The effective time provided is has expired or is in future.',
  dimension: 'The payload dimension is invalid.',
  resource: 'The resourceId value provided cannot be found or this resource is not active.',
} as const;

const UUID = /^[0-9a-f]{8}-(?:[0-9a-f]{4}-){3}[0-9a-f]{12}$/i;

export const isFields = (value: unknown): value is Readonly<Record<string, unknown>> =>
  typeof value === 'object' && value !== null && !Array.isArray(value);

/**
 * Checks one usage event of a request. If several things are wrong, it reports the one that resending later
 * cannot fix: `BadArgument` before `InvalidQuantity`, `InvalidDimension` and `Expired`.
 */
export const checkEvent = (input: unknown, rules: CheckRules): Checked => {
  if (!isFields(input)) return refused('BadArgument', 'request', 'A usage event is an object.');
  const details: Detail[] = [];
  const wrong = (target: string, message: string): null => {
    details.push({ target, message });
    return null;
  };
  const text = (field: string): string | null => {
    const value = input[field] ?? null;
    if (value === null || value === '') return wrong(field, `The ${field} is required.`);
    return isName(value) ? value : wrong(field, `The ${field} is not a valid text.`);
  };

  const resource = readResource(input, wrong);
  const quantity = readQuantity(input['quantity'] ?? null, wrong);
  const dimension = text('dimension');
  const effectiveStartTime = text('effectiveStartTime');
  const effective = effectiveStartTime === null ? null : readTime(effectiveStartTime, wrong);
  const planId = text('planId');

  if (
    resource === null ||
    quantity === null ||
    dimension === null ||
    effectiveStartTime === null ||
    effective === null ||
    planId === null
  ) {
    return { kind: 'refused', status: 'BadArgument', details };
  }
  const hour = hourOf(effective, rules.hourMillis);
  const more = readAdditionalInfo(input['additionalInfo'], quantity, hour);
  if (!more.ok) {
    return refused('BadArgument', 'additionalInfo', `The additionalInfo ${more.error}.`);
  }
  if (quantity <= 0) {
    return refused('InvalidQuantity', 'quantity', 'The quantity must be greater than 0.');
  }
  if (rules.dimensions?.has(asciiLower(dimension)) === false) {
    return refused('InvalidDimension', 'dimension', SAID.dimension);
  }
  if (!isTimely(effective, rules)) {
    return refused('Expired', 'effectiveStartTime', SAID.time);
  }
  return {
    kind: 'valid',
    event: {
      resource,
      quantity,
      dimension,
      effectiveStartTime,
      hour,
      planId,
      additionalInfo: more.value,
    },
  };
};

/** From now back to the greatest age, both included. A future time is refused like an expired one. */
const isTimely = (effective: Millis, { now, maxAgeMillis }: CheckRules): boolean =>
  effective <= now && (maxAgeMillis === null || effective >= now - maxAgeMillis);

const refused = (status: RefusedStatus, target: string, message: string): Refused => ({
  kind: 'refused',
  status,
  details: [{ target, message }],
});

type Wrong = (target: string, message: string) => null;

/** In UTC, with an offset or without. */
const readTime = (text: string, wrong: Wrong): Millis | null => {
  const parsed = parseTimeInUtc(text);
  if (!parsed.ok) {
    return wrong('effectiveStartTime', `The effectiveStartTime ${parsed.error}.`);
  }
  return parsed.value.isWholeDay
    ? wrong('effectiveStartTime', `The effectiveStartTime ${text} has no time of day.`)
    : parsed.value.instant;
};

const readResource = (input: Readonly<Record<string, unknown>>, wrong: Wrong): Resource | null => {
  const resourceId = input['resourceId'] ?? null;
  const resourceUri = input['resourceUri'] ?? null;
  if (resourceId !== null && resourceUri !== null) {
    return wrong('resourceId', 'Only one of resourceId and resourceUri may be given.');
  }
  if (resourceUri !== null) {
    return isName(resourceUri)
      ? { resourceUri }
      : wrong('resourceUri', 'The resourceUri is not a valid text.');
  }
  if (resourceId === null) return wrong('resourceId', 'The resourceId is required.');
  return typeof resourceId === 'string' && UUID.test(resourceId)
    ? { resourceId }
    : wrong('resourceId', 'The resourceId is not a UUID.');
};

const readQuantity = (value: unknown, wrong: Wrong): number | null => {
  if (value === null) return wrong('quantity', 'The quantity is required.');
  if (typeof value !== 'number') return wrong('quantity', 'The quantity is not a number.');
  return Number.isFinite(value) ? value : wrong('quantity', 'The quantity is not a double.');
};
