import type { DeadLetterCode } from '../model/dead-letter.ts';
import type { Quantity } from '../model/decimal.ts';
import type { Hour } from '../model/time.ts';
import type { UsageEvent } from '../model/usage-event.ts';
import type { Halt } from './halt.ts';

/** An event whose values are all in order, its quantity as it was encoded. */
export interface JudgedEvent extends Omit<UsageEvent, 'quantity'> {
  readonly quantity: Uint8Array;
}

/** Usage that is valid and in its place. Whether it counts depends on the ids seen before. */
export interface Candidate {
  readonly event: JudgedEvent;
  readonly quantity: Quantity;
  readonly usageHour: Hour;
  /** Identities in lower case. */
  readonly subscriptionKey: string;
  readonly meterKey: string;
  readonly resourceKey: string;
  /** 64 bits over all but the id: a resent event has the same. */
  readonly digest: bigint;
}

/** What a record is, judged by everything but the ids seen before. */
export type Verdict =
  | { readonly kind: 'candidate'; readonly candidate: Candidate }
  | {
      readonly kind: 'dead-letter';
      readonly code: DeadLetterCode;
      readonly message: string;
    }
  | { readonly kind: 'control' }
  | { readonly kind: 'halt'; readonly halt: Halt };
