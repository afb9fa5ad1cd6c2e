import { hourOf, millis, nextHour, type Millis } from '../../shared/model/time.ts';

export interface UsagePeriod {
  readonly from: Millis;
  readonly to: Millis;
  /** What was assumed, in words; null if both times were given. */
  readonly assumed: string | null;
}

/**
 * The time of usage that is emitted by hand:
 *
 * | given          | time                                        |
 * |----------------|---------------------------------------------|
 * | nothing        | the last full hour: it can be sent again, and still counts once |
 * | start          | from there to the end of its hour           |
 * | start and end  | that                                        |
 * | end            | null: nobody knows what is meant            |
 */
export const usagePeriod = (
  { from, to }: { readonly from: Millis | null; readonly to: Millis | null },
  hourMillis: number,
  now: Millis,
): UsagePeriod | null => {
  if (from !== null && to !== null) return { from, to, assumed: null };
  if (from !== null) {
    const end = nextHour(hourOf(from, hourMillis), hourMillis);
    return { from, to: end, assumed: 'up to the end of its hour' };
  }
  if (to !== null) return null;
  const end = hourOf(now, hourMillis);
  const start = millis(end - hourMillis);
  return { from: start, to: end, assumed: 'the last full hour' };
};
