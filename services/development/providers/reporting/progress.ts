import { hourOf, millis, nextHour, type Millis } from '../../../shared/model/time.ts';
import { sliceStart, type ReportingClock } from './reporting-clock.ts';

/**
 * How far a provider has reported. It is stored before the pieces that it claims are sent, and not for each
 * of them. So after a crash the same pieces are sent again: equal pieces have equal ids and count once.
 */
export interface Progress {
  /** Everything that was used before is with the broker. */
  readonly reportedThrough: Millis;
  /** What was used from there to here may be with the broker too, in pieces of this length. */
  readonly claimedThrough: Millis;
  readonly pieceMillis: number;
}

/** A span of usage that is reported as one, inside one hour. */
export interface Piece {
  /** Inclusive. */
  readonly from: Millis;
  /** Exclusive. */
  readonly to: Millis;
}

export type NextStep =
  | { readonly kind: 'report'; readonly piece: Piece }
  /** The progress to store before anything else is sent. */
  | { readonly kind: 'claim'; readonly progress: Progress }
  | { readonly kind: 'wait'; readonly until: Millis };

/** From this many slices on, a provider that was gone reports larger pieces: up to an hour. */
const BEHIND_SLICES = 10;
/** So many slices are claimed at once: about three minutes. */
const CLAIMED_SLICES = 20;

/** Nothing is reported and nothing claimed before this instant. */
export const progressFrom = (begin: Millis): Progress => ({
  reportedThrough: begin,
  claimedThrough: begin,
  pieceMillis: 1,
});

/**
 * What a provider does next.
 *
 * | what is claimed  | and                                 | next                                       |
 * |------------------|-------------------------------------|--------------------------------------------|
 * | something        | its first piece has ended           | report that piece                          |
 * | something        | it has not ended                    | wait for its end                           |
 * | nothing          | the provider is far behind          | claim the rest of the hour, as one piece   |
 * | nothing          | it is not                           | claim the next slices                      |
 */
export const nextStep = (
  { reportedThrough, claimedThrough, pieceMillis }: Progress,
  now: Millis,
  clock: ReportingClock,
): NextStep => {
  const { hourMillis, sliceMillis } = clock;
  const endOfHour = nextHour(hourOf(reportedThrough, hourMillis), hourMillis);
  if (reportedThrough < claimedThrough) {
    const to = millis(Math.min(reportedThrough + pieceMillis, claimedThrough, endOfHour));
    return to <= now
      ? { kind: 'report', piece: { from: reportedThrough, to } }
      : { kind: 'wait', until: to };
  }
  const ended = sliceStart(now, clock);
  if (ended - reportedThrough > BEHIND_SLICES * sliceMillis) {
    const through = millis(Math.min(endOfHour, ended));
    return claim(reportedThrough, through, through - reportedThrough);
  }
  const through = millis(reportedThrough + CLAIMED_SLICES * sliceMillis);
  return claim(reportedThrough, through, sliceMillis);
};

const claim = (from: Millis, through: Millis, pieceMillis: number): NextStep => ({
  kind: 'claim',
  progress: { reportedThrough: from, claimedThrough: through, pieceMillis },
});

/** The progress after the first claimed piece is with the broker. */
export const afterPiece = (progress: Progress, { to }: Piece): Progress => ({
  ...progress,
  reportedThrough: to,
});
