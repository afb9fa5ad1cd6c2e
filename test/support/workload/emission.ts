import type { RecordHeaders } from '../../../services/shared/model/control-record.ts';
import type { DeadLetterCode } from '../../../services/shared/model/dead-letter.ts';
import type { Source } from '../../../services/shared/model/source.ts';
import type { Millis } from '../../../services/shared/model/time.ts';
import type { UsageEvent } from '../../../services/shared/model/usage-event.ts';

/** What a workload needs to know of a source; a `Source` will do. */
export type WorkloadTopic = Pick<
  Source,
  'topic' | 'epoch' | 'kind' | 'partitions' | 'namespaces' | 'hourMillis'
>;

/** Records whose bytes or place are wrong, and the code each must get whenever it is read. */
export const BAD_RECORD_CODES = {
  'no-avro': 'malformed',
  truncated: 'malformed',
  'trailing-bytes': 'malformed',
  'unknown-schema': 'unknown-schema',
  'bad-utf8': 'invalid-text',
  'control-in-identity': 'invalid-text',
  'empty-identity': 'invalid-identity',
  'overlong-identity': 'invalid-identity',
  'start-not-before-end': 'invalid-period',
  'spans-hours': 'spans-hours',
  'long-form-decimal': 'invalid-quantity',
  'decimal-of-33-bytes': 'invalid-quantity',
  'decimal-of-0-bytes': 'invalid-quantity',
  negative: 'negative-quantity',
  'too-large': 'quantity-too-large',
  'wrong-key': 'wrong-key',
  'wrong-partition': 'wrong-partition',
  'wrong-provider': 'wrong-provider',
  'wrong-subscription': 'wrong-subscription',
  'forged-control': 'forged-control',
} as const satisfies Readonly<Record<string, DeadLetterCode>>;

export type BadKind = keyof typeof BAD_RECORD_CODES;

/**
 * What the generator makes. Whether one of the first nine is accepted depends on when it is reported
 * and on what stands in the log before it: the generator only means it, the oracle works it out.
 */
export type EmissionKind =
  | 'fresh'
  | 'near-duplicate' // one of the last hundred events again
  | 'far-duplicate' // any earlier event again
  | 'late-by-hours'
  | 'late-by-days'
  | 'conflict' // the id of an earlier event with other content
  | 'in-future'
  | 'too-old'
  | 'outside-run' // history topics only
  | BadKind;

/** What the record is, apart from when it is reported and what stands before it. */
export type Intent =
  | { readonly kind: 'event'; readonly event: UsageEvent }
  | { readonly kind: 'bad'; readonly code: DeadLetterCode };

/** A record to be sent, and what it is. */
export interface Emission {
  readonly kind: EmissionKind;
  readonly topic: string;
  readonly epoch: number;
  readonly partition: number;
  readonly key: Buffer | null;
  readonly value: Buffer | null;
  readonly headers: RecordHeaders;
  /** The reported time, in history topics; live topics have the broker's. */
  readonly timestamp: Millis;
  readonly intent: Intent;
}

/** Of all emissions; what they leave is fresh. They need not leave anything. */
export type Shares = Readonly<Partial<Record<Exclude<EmissionKind, 'fresh'>, number>>>;
