import type { DeadLetterCode } from '../model/dead-letter.ts';
import type { Quantity } from '../model/decimal.ts';
import type { Hour } from '../model/time.ts';
import type { UsageEvent } from '../model/usage-event.ts';
import type { Halt } from './halt.ts';

/** An event with valid values. Its quantity is still encoded. */
export interface JudgedEvent extends Omit<UsageEvent, 'quantity'> {
  readonly quantity: Uint8Array;
}

/** Valid usage in its right place. Whether it counts depends on the ids seen before. */
export interface Candidate {
  readonly event: JudgedEvent;
  readonly quantity: Quantity;
  readonly usageHour: Hour;
  /** Identities in lower case. */
  readonly subscriptionKey: string;
  readonly meterKey: string;
  readonly resourceKey: string;
  /** 64 bits over everything except the id. A resent event has the same digest. */
  readonly digest: bigint;
}

/** What a record is, judged by everything except the ids seen before. */
export type Verdict =
  | { readonly kind: 'candidate'; readonly candidate: Candidate }
  | {
      readonly kind: 'dead-letter';
      readonly code: DeadLetterCode;
      readonly message: string;
    }
  | { readonly kind: 'control' }
  | { readonly kind: 'halt'; readonly halt: Halt };
