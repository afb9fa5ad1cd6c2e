import type { Quantity } from '../model/decimal.ts';
import { hourOf, nextHour, type Hour, type Millis } from '../model/time.ts';
import { enterTimeline, type FoldState } from './fold.ts';
import type { WindowEvent } from './window.ts';

/**
 * A person's decision not to wait for records that are gone. Counting continues after them, or the epoch of
 * the topic ends before them.
 */
export interface AcceptedLoss {
  /**
   * Where counting continues: after everything that the tables hold, because lost rules may have judged it.
   * If the epoch ends, one past its last offset.
   */
  readonly nextOffset: number;
  readonly ended: boolean;
  /**
   * At least this hour is open from here on. Earlier hours were published by an owner that did not reach
   * its next checkpoint, so nothing may enter them any more.
   */
  readonly openHour: Hour;
}

/**
 * What the tables hold of a lost record, from an owner that did not reach its next checkpoint. The record
 * was read before it was lost, so it counts: what readers have seen stays, and an event that is sent again
 * is a duplicate.
 */
export type Remnant = {
  readonly offset: number;
  readonly reportedTime: Millis;
} & (
  | { readonly kind: 'accepted'; readonly event: WindowEvent; readonly quantity: Quantity }
  | { readonly kind: 'dead-lettered' }
);

/** Whether a remnant begins a new reported hour while windows of the open hour are pending. */
export const mustCutBeforeRemnant = (state: FoldState, { reportedTime }: Remnant): boolean =>
  state.windows.touchedCount > 0 &&
  hourOf(reportedTime, state.place.source.hourMillis) > state.timeline.openHour;

/** Counts a lost record that has left rows, and the lost records before it that have left none. */
export const countRemnant = (state: FoldState, remnant: Remnant): void => {
  const { offset, reportedTime } = remnant;
  lose(state, offset);
  moveToTime(state, reportedTime);
  const { counts } = state;
  if (remnant.kind === 'accepted') {
    const { event, quantity } = remnant;
    state.windows.add(event, quantity, offset);
    state.counts = { ...counts, accepted: counts.accepted + 1 };
  } else {
    state.counts = { ...counts, deadLettered: counts.deadLettered + 1 };
  }
  state.nextOffset = offset + 1;
};

/** Continues after the loss, or ends the epoch there as an `end` record at that offset would. */
export const passLoss = (state: FoldState, loss: AcceptedLoss): void => {
  const { ended, openHour } = loss;
  // An owner may have stored more since the loss was accepted.
  const nextOffset = Math.max(loss.nextOffset, state.nextOffset + (ended ? 1 : 0));
  lose(state, ended ? nextOffset - 1 : nextOffset);
  moveToTime(state, openHour);
  if (!ended) return;
  const { timeline, place } = state;
  const afterEnd = nextHour(timeline.openHour, place.source.hourMillis);
  enterTimeline(state, { ...timeline, openHour: afterEnd, sealed: true });

  state.counts = { ...state.counts, control: state.counts.control + 1 };
  state.nextOffset = nextOffset;
};

/** From here on, the reported time is at least this. */
const moveToTime = (state: FoldState, reportedTime: Millis): void => {
  const { timeline, place } = state;
  if (reportedTime <= timeline.watermark) return;
  const openHour = hourOf(reportedTime, place.source.hourMillis);
  enterTimeline(state, { ...timeline, watermark: reportedTime, openHour });
};

/** Skips records that are gone. Nothing is known of the last record before the new offset. */
const lose = (state: FoldState, nextOffset: number): void => {
  const { lost } = state.counts;
  state.counts = { ...state.counts, lost: lost + nextOffset - state.nextOffset };
  state.nextOffset = nextOffset;
  state.lastRecord = null;
};
