import type { RecordHeaders } from '../model/control-record.ts';
import type { Millis } from '../model/time.ts';

/** A record to be appended. Without a timestamp, it gets the time of sending. */
export interface NewRecord {
  readonly key: Buffer | string | null;
  readonly value: Buffer | null;
  readonly headers?: RecordHeaders;
  readonly timestamp?: Millis;
}
