import { addQuantities, type Quantity } from '../model/decimal.ts';
import type { Hour } from '../model/time.ts';
import type { Candidate } from './verdict.ts';

/** What a window shows besides its total. It is taken from the window's event with the lowest offset. */
export interface WindowAttributes {
  readonly subscriptionId: string;
  readonly meterId: string;
  readonly resourceUri: string;
  readonly location: string;
  readonly tags: string | null;
  readonly additionalInfo: string | null;
}

export interface WindowIdentity {
  readonly usageHour: Hour;
  readonly subscriptionKey: string;
  readonly meterKey: string;
  readonly resourceKey: string;
}

/** Totals of one window of the open reported hour: a pure function of the log up to `lastOffset`. */
export interface Window extends WindowIdentity, WindowAttributes {
  readonly quantity: Quantity;
  readonly eventCount: number;
  readonly firstOffset: number;
  readonly lastOffset: number;
}

/** What a window takes from an event, apart from the quantity. */
export type WindowEvent = WindowIdentity & WindowAttributes;

/** Identities hold no NUL (see `classify`), so the key is unambiguous. */
export const windowKey = (window: WindowIdentity): string =>
  `${String(window.usageHour)}\0${window.subscriptionKey}\0${window.meterKey}\0${window.resourceKey}`;

/** What a window takes from an event that may count. */
export const windowEventOf = (candidate: Candidate): WindowEvent => {
  const { event } = candidate;
  return {
    usageHour: candidate.usageHour,
    subscriptionKey: candidate.subscriptionKey,
    meterKey: candidate.meterKey,
    resourceKey: candidate.resourceKey,
    subscriptionId: event.subscriptionId,
    meterId: event.meterId,
    resourceUri: event.resourceUri,
    location: event.location,
    tags: event.tags,
    additionalInfo: event.additionalInfo,
  };
};

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
 * says so, and then it stays as it is. Runs for each event, so the fields are copied one by one.
 */
export const addToWindow = (window: Window, quantity: Quantity, offset: number): Window =>
  offset <= window.lastOffset
    ? window
    : {
        usageHour: window.usageHour,
        subscriptionKey: window.subscriptionKey,
        meterKey: window.meterKey,
        resourceKey: window.resourceKey,
        subscriptionId: window.subscriptionId,
        meterId: window.meterId,
        resourceUri: window.resourceUri,
        location: window.location,
        tags: window.tags,
        additionalInfo: window.additionalInfo,
        quantity: addQuantities(window.quantity, quantity),
        eventCount: window.eventCount + 1,
        firstOffset: window.firstOffset,
        lastOffset: offset,
      };
