import fc from 'fast-check';
import { hourOf, HOUR_MILLIS, millis, type Millis } from '../../../shared/model/time.ts';
import { timeOf } from '../../../shared/model/time-text.ts';
import { afterPiece, nextStep, progressFrom, type Piece, type Progress } from './progress.ts';
import { reportingClock } from './reporting-clock.ts';

const BEGIN = timeOf('2026-02-03T04:00:00Z');
const CLOCK = reportingClock(HOUR_MILLIS, null);

/** Reports what is due at an instant, and returns the progress in memory and the stored one. */
const reportAll = (
  start: Progress,
  now: Millis,
  clock: typeof CLOCK,
  send: (piece: Piece) => void,
  maxPieces = Infinity,
): { readonly inMemory: Progress; readonly stored: Progress } => {
  let inMemory = start;
  let stored = start;
  for (let sent = 0; sent < maxPieces;) {
    const step = nextStep(inMemory, now, clock);
    if (step.kind === 'wait') break;
    if (step.kind === 'claim') {
      inMemory = step.progress;
      stored = step.progress;
    } else {
      send(step.piece);
      sent++;
      inMemory = afterPiece(inMemory, step.piece);
    }
  }
  return { inMemory, stored };
};

test('a provider that was gone for a night reports each hour as one piece, and then slices', () => {
  const pieces: Piece[] = [];
  const now = millis(BEGIN + 8 * HOUR_MILLIS + 100_000);
  const { inMemory } = reportAll(progressFrom(BEGIN), now, CLOCK, (piece) => pieces.push(piece));
  expect(pieces.slice(0, 8).map(({ from, to }) => to - from)).toEqual(Array(8).fill(HOUR_MILLIS));
  expect(pieces).toHaveLength(9);
  expect(nextStep(inMemory, now, CLOCK)).toEqual({
    kind: 'wait',
    until: BEGIN + 8 * HOUR_MILLIS + 108_000,
  });
});

test('a crash at any moment, with another number of reports afterwards too, leaves no gap and no overlap', () => {
  const run = fc.record({
    /** How long the process lives, and how many pieces it gets to send at most. */
    afterMillis: fc.integer({ min: 1, max: 3 * HOUR_MILLIS }),
    pieces: fc.integer({ min: 0, max: 60 }),
    reports: fc.constantFrom(400, 60, 100, 720, 1),
    storesAtItsEnd: fc.boolean(),
  });
  fc.assert(
    fc.property(fc.array(run, { minLength: 1, maxLength: 12 }), (runs) => {
      const sent = new Map<string, Piece>();
      let now: Millis = millis(BEGIN + 12_345);
      let progress = progressFrom(BEGIN);
      for (const { afterMillis, pieces, reports, storesAtItsEnd } of runs) {
        now = millis(now + afterMillis);
        const { inMemory, stored } = reportAll(
          progress,
          now,
          reportingClock(HOUR_MILLIS, reports),
          (piece) => sent.set(`${String(piece.from)}-${String(piece.to)}`, piece),
          pieces,
        );
        progress = storesAtItsEnd ? inMemory : stored;
      }
      const { inMemory } = reportAll(progress, now, CLOCK, (piece) =>
        sent.set(`${String(piece.from)}-${String(piece.to)}`, piece),
      );
      let end: number = BEGIN;
      for (const { from, to } of [...sent.values()].sort((a, b) => a.from - b.from)) {
        expect(from).toBe(end);
        expect(to).toBeGreaterThan(from);
        expect(to).toBeLessThanOrEqual(now);
        expect(hourOf(millis(to - 1), HOUR_MILLIS)).toBe(hourOf(from, HOUR_MILLIS));
        end = to;
      }
      expect(end).toBe(inMemory.reportedThrough);
    }),
  );
});
