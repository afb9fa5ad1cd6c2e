import { lostRecords } from '../shared/kafka/log-recognition.ts';
import type { LogBounds } from '../shared/kafka/topics.ts';
import { checkpointOf, resume } from '../shared/usage-fold/chunk.ts';
import { initialState } from '../shared/usage-fold/fold.ts';
import type { Halt } from '../shared/usage-fold/halt.ts';
import type { Knowledge } from '../shared/usage-fold/knowledge.ts';
import { NO_TAIL } from '../shared/usage-fold/ledger-tail.ts';
import type { AcceptedLoss, Remnant } from '../shared/usage-fold/loss.ts';
import { PACKED } from '../shared/usage-fold/packed/form.ts';
import type { Place } from '../shared/usage-fold/place.ts';
import type { FoldBegin } from '../shared/usage-fold/record-folder.ts';
import type { Store } from './ports.ts';
import { fail, succeed, type Result } from '../shared/model/result.ts';

/** The state at the checkpoint, from which an owner starts. */
export interface Hydrated extends FoldBegin {
  readonly ledgerIsEmpty: boolean;
  /**
   * The loss at the checkpoint that a person has accepted, with the rows that the tables still hold of the
   * lost records.
   */
  readonly loss: (AcceptedLoss & { readonly remnants: readonly Remnant[] }) | null;
}

export interface HydrationPorts {
  readonly store: Store;
  readonly bounds: () => Promise<LogBounds>;
  readonly persist: <T>(what: string, step: () => Promise<T>) => Promise<T>;
}

/**
 * Reads how far the last owner got: the checkpoint, the windows of its open hour, and the ledger entries
 * after it (docs/design.md, "Hydration"). If there is no checkpoint yet, writes the first one before any
 * record is folded.
 */
export const hydrate = async (
  place: Place,
  knowledge: Knowledge,
  windowsMaxBytes: number,
  { store, bounds, persist }: HydrationPorts,
): Promise<Result<Hydrated, Halt>> => {
  const checkpoint = await persist('read the checkpoint', () => store.checkpoint(place));
  const nextOffset = checkpoint?.nextOffset ?? 0;
  const accepted = await persist('read the losses', () =>
    store.loss(place, nextOffset, checkpoint?.sealed ?? false),
  );
  // Of lost records, and of earlier epochs, it may hold more than what follows the checkpoint.
  const mayBeEmpty = nextOffset === 0 && accepted === null && place.epoch === 1;
  if (checkpoint === null) {
    const { low } = await bounds();
    if (low > 0 && accepted === null) return fail(lostRecords(0, low));
    const state = initialState(place, 0, PACKED);
    await persist('write the first checkpoint', () => store.writeCheckpoint(checkpointOf(state)));
    const loss = accepted && { ...accepted, remnants: [] };
    return succeed({ state, tail: NO_TAIL, ledgerIsEmpty: mayBeEmpty, loss });
  }
  const [windows, tail, remnants] = await Promise.all([
    persist('read the open windows', () =>
      store.windows(place, checkpoint.openHour, windowsMaxBytes),
    ),
    persist('read the ledger', () => store.ledgerTail(place, checkpoint)),
    accepted === null
      ? []
      : persist('read what is left of lost records', () =>
          // Nothing follows the end of an epoch: rows that were stored after the loss was accepted belong
          // to it too.
          store.remnants(place, nextOffset, accepted.ended ? NO_END : accepted.nextOffset),
        ),
  ]);
  const resumed = resume(place, checkpoint, windows, knowledge, PACKED);
  if (!resumed.ok) return resumed;
  return succeed({
    state: resumed.value,
    tail,
    ledgerIsEmpty: mayBeEmpty && tail.ids.size === 0,
    loss: accepted && { ...accepted, remnants },
  });
};

/** Greater than any offset of a log. */
const NO_END = Number.MAX_SAFE_INTEGER;
