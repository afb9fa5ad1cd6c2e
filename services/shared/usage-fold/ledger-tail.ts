import { uuidText } from '../model/usage-event.ts';
import type { Outcome } from './fold.ts';
import type { Halt } from './halt.ts';
import type { Step } from './timeline.ts';

/**
 * What the ledger holds beyond the checkpoint: event ids by offset, written by an owner that did not reach
 * its next checkpoint. Entries are written in the order of offsets, so none is missing before the last one.
 */
export interface LedgerTail {
  readonly ids: ReadonlyMap<number, string>;
  /** The offset of the last entry; -1 if there is none. */
  readonly lastOffset: number;
}

/** Nothing was written beyond the checkpoint. */
export const NO_TAIL: LedgerTail = { ids: new Map(), lastOffset: -1 };

/**
 * Folding the tail again must accept exactly what the ledger holds there. Anything else means that this is
 * another log, or that another fold wrote the ledger.
 */
export const contradiction = (
  tail: LedgerTail,
  /** The next offset before the step. The log holds no records between it and the record's offset. */
  nextOffset: number,
  step: Step,
  outcome: Outcome,
): Halt | null => {
  const { offset } = step.record;
  if (nextOffset > tail.lastOffset) return null;
  const skipped = skippedContradiction(tail, nextOffset, offset);
  if (skipped) return skipped;

  const held = tail.ids.get(offset) ?? null;
  const folded =
    outcome === 'accepted' && step.verdict.kind === 'candidate'
      ? uuidText(step.verdict.candidate.event.eventId)
      : null;
  if (held === folded || offset > tail.lastOffset) return null;
  return mismatch(offset, held ?? 'nothing', folded ?? outcome);
};

/** The same check for offsets from `nextOffset` up to `end`, which hold no record. */
export const skippedContradiction = (
  tail: LedgerTail,
  nextOffset: number,
  end: number,
): Halt | null => {
  for (let offset = nextOffset; offset < end && offset <= tail.lastOffset; offset++) {
    const held = tail.ids.get(offset);
    if (held !== undefined) return mismatch(offset, held, 'nothing');
  }
  return null;
};

const mismatch = (offset: number, held: string, folded: string): Halt => ({
  code: 'ledger-mismatch',
  message:
    `at offset ${String(offset)} the ledger holds ${held} and the log gives ${folded}: this is another log than ` +
    'the one that was counted, or a defect; see docs/operations.md, "A partition has halted"',
});
