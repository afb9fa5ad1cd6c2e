import { adjustmentHeaders } from '../../shared/model/adjustment-record.ts';
import type { Keyring, RecordHeaders } from '../../shared/model/control-record.ts';
import { formatQuantity, type Quantity } from '../../shared/model/decimal.ts';
import type { Identity } from '../../shared/model/event-texts.ts';
import { identityKeys, resourceKey } from '../../shared/model/placement.ts';
import type { SourcePartition } from '../../shared/model/source.ts';
import { isoText, nextHour, type Hour, type Millis } from '../../shared/model/time.ts';
import { uuidOf, uuidText, type UsageEvent } from '../../shared/model/usage-event.ts';
import { parse as uuidBytes } from 'uuid';

/** What a person wants to change about one resource's usage of one meter in one usage hour. */
export interface AdjustmentRequest extends Identity {
  readonly usageHour: Hour;
  /** Is added to the usage; below zero to take usage back. */
  readonly quantity: Quantity;
  readonly reason: string;
  /** Where the resource is; null if its usage tells. */
  readonly location: string | null;
  /** Tells it from others of the same usage hour; empty if the quantity does. */
  readonly key: string;
  /** Take back more than is recorded. */
  readonly forced: boolean;
}

/** An adjustment as it is recorded. Its event follows from it. */
export interface Adjustment extends AdjustmentRequest {
  readonly id: string;
  /** The topic to whose log it goes. */
  readonly topic: string;
  readonly location: string;
  readonly tags: string | null;
}

/** Who recorded it, and when. */
export interface RecordedAdjustment extends Adjustment {
  readonly actor: string;
  readonly at: Millis;
}

/**
 * The same request has the same id, so a repeated command finds what it did before. The reason is not in it:
 * who repeats a command may write it differently.
 */
export const adjustmentId = (
  request: Identity & Pick<AdjustmentRequest, 'usageHour' | 'quantity' | 'key'>,
): string => {
  const { subscriptionKey, meterKey, resourceKey: resource } = identityKeys(request);
  const { usageHour, quantity, key } = request;
  const which = key === '' ? ['quantity', formatQuantity(quantity)] : ['key', key];
  return uuidText(
    uuidOf(['adjustment', subscriptionKey, meterKey, resource, isoText(usageHour), ...which]),
  );
};

const eventOf = (adjustment: Adjustment, hourMillis: number): UsageEvent => ({
  eventId: uuidBytes(adjustment.id),
  subscriptionId: adjustment.subscriptionId,
  meterId: adjustment.meterId,
  resourceUri: adjustment.resourceUri,
  usageStartTime: adjustment.usageHour,
  usageEndTime: nextHour(adjustment.usageHour, hourMillis),
  quantity: adjustment.quantity,
  location: adjustment.location,
  tags: adjustment.tags,
  additionalInfo: JSON.stringify({
    adjustment: { id: adjustment.id, reason: adjustment.reason },
  }),
});

/** The record of an adjustment. It is the same one each time that it is made for a place. */
export const adjustmentRecord = (
  adjustment: Adjustment,
  at: SourcePartition,
  hourMillis: number,
  encode: (event: UsageEvent) => Buffer,
  keyring: Keyring,
): { readonly key: string; readonly value: Buffer; readonly headers: RecordHeaders } => {
  const value = encode(eventOf(adjustment, hourMillis));
  return {
    key: resourceKey(adjustment.resourceUri),
    value,
    headers: adjustmentHeaders(at, value, keyring),
  };
};
