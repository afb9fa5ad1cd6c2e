import { adjustmentKeyId, isAdjustmentFor } from '../model/adjustment-record.ts';
import type { LogRecord } from '../model/log-record.ts';
import { acceptedKey, type ActiveRules, type Knowledge } from './knowledge.ts';
import type { Place } from './place.ts';

/** Whether a record is an adjustment that is signed for this place by an accepted key. */
export const isAdjustment = (
  record: LogRecord,
  place: Place,
  active: ActiveRules,
  knowledge: Knowledge,
): boolean => {
  const key = acceptedKey(active, knowledge, adjustmentKeyId(record.headers));
  return key !== null && isAdjustmentFor(place, record.headers, record.value, key);
};
