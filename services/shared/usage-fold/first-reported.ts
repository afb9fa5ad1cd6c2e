import type { LogRecord } from '../model/log-record.ts';
import { redriveKeyId, verifiedRedrive } from '../model/redrive.ts';
import { millis, type Millis } from '../model/time.ts';
import { acceptedKey, type ActiveRules, type Knowledge } from './knowledge.ts';
import type { Place } from './place.ts';

/**
 * When the event of a record first entered the usage system: for a redriven dead letter the time in its
 * signed header, otherwise now. So usage does not become too old while a person looks at it. A header that
 * is not signed by an accepted key is ignored.
 */
export const firstReported = (
  record: LogRecord,
  place: Place,
  active: ActiveRules,
  watermark: Millis,
  knowledge: Knowledge,
): Millis => {
  const key = acceptedKey(active, knowledge, redriveKeyId(record.headers));
  const redriven = key && verifiedRedrive(place, record.headers, record.value, key);
  return redriven ? millis(Math.min(redriven.reportedTime, watermark)) : watermark;
};
