import { adjustmentKeyId, isAdjustmentFor } from '../model/adjustment-record.ts';
import type { LogRecord } from '../model/log-record.ts';
import { findKey, type ActiveRules, type Knowledge } from './knowledge.ts';
import type { Place } from './place.ts';

/** Whether a record is an adjustment that is signed for this place by an accepted key. */
export const isAdjustment = (
  record: LogRecord,
  place: Place,
  active: ActiveRules,
  knowledge: Knowledge,
): boolean => {
  const keyId = adjustmentKeyId(record.headers);
  if (keyId === null || !active.controlKeyIds.has(keyId)) return false;
  const key = findKey(knowledge, keyId);
  return key !== null && isAdjustmentFor(place, record.headers, record.value, key);
};
