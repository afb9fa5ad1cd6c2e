import { failpoint } from '../shared/process/failpoint.ts';
import type { Chunk } from '../shared/usage-fold/chunk.ts';
import { inKeyOrder } from '../shared/usage-fold/closed-hour.ts';
import type { ClosedHour } from '../shared/usage-fold/fold.ts';
import type { Outbox, Store } from './ports.ts';
import type { Place } from '../shared/usage-fold/place.ts';

/**
 * Stores one cut of the fold. The order makes a crash harmless (docs/design.md, "Flush order"): the records
 * after the last checkpoint are folded again and the same rows are written again, and nothing that a
 * checkpoint covers is missing.
 *
 * 1. ledger: the ids come first, so that no counted event is unknown to deduplication
 * 2. windows: absolute totals
 * 3. dead letters: first to their topic, then to their table
 * 4. the days of the closed hours, from complete windows
 * 5. the closed hours, to the bridge
 * 6. checkpoint
 */
export const flush = async (
  place: Place,
  chunk: Chunk,
  store: Store,
  outbox: Outbox,
): Promise<void> => {
  if (chunk.ledger.length > 0) {
    await store.writeLedger(place, chunk);
    failpoint('after-ledger');
  }
  if (chunk.windows.length > 0) {
    await store.writeWindows(place, chunk);
    failpoint('after-windows');
  }
  if (chunk.deadLetters.length > 0) {
    await outbox.publishDeadLetters(place, chunk);
    failpoint('after-dead-letter-topic');
    await store.writeDeadLetters(place, chunk);
    failpoint('after-dead-letters');
  }
  for (const closed of chunk.closed) {
    if (closed.windows?.length !== 0) {
      await store.rollUpDay(place, closed.hour);
      failpoint('after-daily');
    }
    await publish(place, closed, store, outbox);
    failpoint('after-closed');
  }
  await store.writeCheckpoint(chunk.checkpoint);
  failpoint('after-checkpoint');
};

/** Publishes an hour. Reads its windows from the store if they do not fit in memory. */
const publish = (
  place: Place,
  { hour, windows }: ClosedHour,
  store: Store,
  outbox: Outbox,
): Promise<void> =>
  outbox.publishClosedHour(
    place,
    hour,
    windows ? [inKeyOrder(windows)] : store.windowsInOrder(place, hour),
  );

/** The size of a chunk, for the log. */
export const summaryOf = (chunk: Chunk): Readonly<Record<string, number>> => ({
  nextOffset: chunk.checkpoint.nextOffset,
  events: chunk.ledger.length,
  windows: chunk.windows.length,
  deadLetters: chunk.deadLetters.length,
  closedHours: chunk.closed.length,
});
