import { failpoint } from '../shared/process/failpoint.ts';
import type { Chunk } from '../shared/usage-fold/chunk.ts';
import { inKeyOrder } from '../shared/usage-fold/closed-hour.ts';
import type { ClosedHour } from '../shared/usage-fold/fold.ts';
import { inMonths } from '../shared/usage-fold/in-months.ts';
import type { Place } from '../shared/usage-fold/place.ts';
import type { HourToPublish } from '../shared/usage-store/hour-publisher.ts';
import type { Outbox, Store } from './ports.ts';

/**
 * Stores successive cuts of the fold, with the checkpoint of the last one. The order makes a crash harmless
 * (docs/design.md, "Flush order"): the records after the last checkpoint are folded again and the same rows
 * are written again, and nothing that a checkpoint covers is missing.
 *
 * 1. ledger: the ids come first, so that no counted event is unknown to deduplication. There is one insert
 *    for each month, because an insert into several months is not atomic.
 * 2. windows: absolute totals
 * 3. dead letters: first to their topic, then to their table
 * 4. the days of the closed hours, from complete windows
 * 5. the closed hours, to the bridge
 * 6. checkpoint
 */
export const flush = async (
  place: Place,
  chunks: readonly Chunk[],
  store: Store,
  outbox: Outbox,
): Promise<void> => {
  const last = chunks.at(-1);
  if (!last) return;
  for (const month of inMonths(chunks.filter(({ ledger }) => ledger.length > 0))) {
    await store.writeLedger(place, month);
    failpoint('after-ledger');
  }
  const touched = chunks.filter(({ windows }) => windows.length > 0);
  if (touched.length > 0) {
    await store.writeWindows(place, touched);
    failpoint('after-windows');
  }
  const refused = chunks.flatMap(({ deadLetters }) => deadLetters);
  if (refused.length > 0) {
    await outbox.publishDeadLetters(place, refused);
    failpoint('after-dead-letter-topic');
    await store.writeDeadLetters(place, refused);
    failpoint('after-dead-letters');
  }
  await close(
    place,
    chunks.flatMap(({ closed }) => closed),
    store,
    outbox,
  );
  await store.writeCheckpoint(last.checkpoint);
  failpoint('after-checkpoint');
};

/** Rolls up and publishes the hours that have closed, in their order. */
const close = async (
  place: Place,
  hours: readonly ClosedHour[],
  store: Store,
  outbox: Outbox,
): Promise<void> => {
  if (hours.length === 0) return;
  const used = hours.filter(({ windows }) => windows?.length !== 0);
  const [first, last] = [used[0], used.at(-1)];
  if (first && last) {
    await store.rollUpDays(place, first.hour, last.hour);
    failpoint('after-daily');
  }
  await outbox.publishClosedHours(
    place,
    hours.map((hour) => toPublish(place, hour, store)),
  );
  failpoint('after-closed');
};

/** Reads the windows of an hour from the store if they do not fit in memory. */
const toPublish = (place: Place, { hour, windows }: ClosedHour, store: Store): HourToPublish => ({
  hour,
  windows: () => (windows ? [inKeyOrder(windows)] : store.windowsInOrder(place, hour)),
});

/** The size of a flush, for the log. */
export const summaryOf = (chunks: readonly Chunk[]): Readonly<Record<string, number>> => {
  const sum = (of: (chunk: Chunk) => number): number =>
    chunks.reduce((total, chunk) => total + of(chunk), 0);
  return {
    nextOffset: chunks.at(-1)?.checkpoint.nextOffset ?? 0,
    events: sum(({ ledger }) => ledger.length),
    windows: sum(({ windows }) => windows.length),
    deadLetters: sum(({ deadLetters }) => deadLetters.length),
    closedHours: sum(({ closed }) => closed.length),
  };
};
