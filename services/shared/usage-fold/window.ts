import { addQuantities, type Quantity } from '../model/decimal.ts';
import { textsOf, type EventTexts } from '../model/event-texts.ts';
import type { Hour } from '../model/time.ts';
import type { Candidate } from './verdict.ts';

export interface WindowIdentity {
  readonly usageHour: Hour;
  readonly subscriptionKey: string;
  readonly meterKey: string;
  readonly resourceKey: string;
}

/**
 * Totals of one window of the open reported hour: a pure function of the log up to `lastOffset`. Its texts
 * are those of its event with the lowest offset.
 */
export interface Window extends WindowIdentity, EventTexts {
  readonly quantity: Quantity;
  readonly eventCount: number;
  readonly firstOffset: number;
  readonly lastOffset: number;
}

/** What a window takes from an event, apart from the quantity. */
export type WindowEvent = WindowIdentity & EventTexts;

/** Identities hold no NUL (see `classify`), so the key is unambiguous. */
export const windowKey = (window: WindowIdentity): string =>
  `${String(window.usageHour)}\0${window.subscriptionKey}\0${window.meterKey}\0${window.resourceKey}`;

/** What a window takes from an event that may count. */
export const windowEventOf = (candidate: Candidate): WindowEvent => ({
  usageHour: candidate.usageHour,
  subscriptionKey: candidate.subscriptionKey,
  meterKey: candidate.meterKey,
  resourceKey: candidate.resourceKey,
  ...textsOf(candidate.event),
});

/** A window with its first event. */
export const firstOf = (event: WindowEvent, quantity: Quantity, offset: number): Window => ({
  ...event,
  quantity,
  eventCount: 1,
  firstOffset: offset,
  lastOffset: offset,
});

/**
 * Adds an accepted event. A window that was stored before a crash may already contain it. Its `lastOffset`
 * says so, and then it stays as it is.
 */
export const addToWindow = (window: Window, quantity: Quantity, offset: number): Window =>
  offset <= window.lastOffset
    ? window
    : {
        ...window,
        quantity: addQuantities(window.quantity, quantity),
        eventCount: window.eventCount + 1,
        lastOffset: offset,
      };
