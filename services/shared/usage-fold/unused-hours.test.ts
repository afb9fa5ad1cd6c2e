import { hour, minute, stateAtStart } from '../../../test/support/fold/fixtures.ts';
import { placeOf } from '../../../test/support/fold/fixtures.ts';
import type { FoldState } from './fold.ts';
import { UnusedHours } from './unused-hours.ts';

/** A fold that begins at a reported time, and has come to another one since. */
const begun = (
  begin: number,
  ledgerIsEmpty = false,
): { hours: UnusedHours; goOn: (to: number) => void } => {
  const state: Pick<FoldState, 'timeline'> = { timeline: stateAtStart(placeOf()).timeline };
  const goOn = (to: number): void => {
    state.timeline = { ...state.timeline, watermark: minute(to) };
  };
  goOn(begin);
  return { hours: new UnusedHours(state, ledgerIsEmpty), goOn };
};

test('an hour that begins after the reported time at the beginning is unused, once', () => {
  const { hours, goOn } = begun(60 + 59);
  expect([0, 1].map((n) => hours.take(hour(n)))).toEqual([false, false]);
  goOn(600);
  expect([2, 5, 3].map((n) => hours.take(hour(n)))).toEqual([true, true, true]);
  // Its table may have left the memory since: then the ledger has its ids.
  expect([2, 5, 3, 1].map((n) => hours.take(hour(n)))).toEqual([false, false, false, false]);
});

test('while the ledger is empty, each hour is unused once', () => {
  const { hours } = begun(60 + 59, true);
  expect([0, -5, 1, 2].map((n) => hours.take(hour(n)))).toEqual([true, true, true, true]);
  expect([0, -5, 1, 2].map((n) => hours.take(hour(n)))).toEqual([false, false, false, false]);
});

test('an hour that begins at the reported time itself may hold usage already', () => {
  expect(begun(60).hours.take(hour(1))).toBe(false);
});

test('the beginning is where the first hour is asked for, behind what was left of lost records', () => {
  const { hours, goOn } = begun(0);
  goOn(180);
  expect([hours.take(hour(3)), hours.take(hour(4))]).toEqual([false, true]);
});
