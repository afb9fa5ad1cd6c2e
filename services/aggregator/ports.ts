import type { Hour, Millis } from '../shared/model/time.ts';
import type { Checkpoint, Chunk } from '../shared/usage-fold/chunk.ts';
import type { EventTable } from '../shared/usage-fold/event-table.ts';

import type { LedgerTail } from '../shared/usage-fold/ledger-tail.ts';
import type { AcceptedLoss, Remnant } from '../shared/usage-fold/loss.ts';
import type { Window, WindowIdentity } from '../shared/usage-fold/window.ts';
import type { Place } from '../shared/usage-fold/place.ts';

/** Where a partition's usage is stored. Every write may be repeated, late or twice. */
export interface Store {
  checkpoint(place: Place): Promise<Checkpoint | null>;
  /** The windows of a reported hour as they are stored; null where they take more bytes than that. */
  windows(place: Place, reportedHour: Hour, maxBytes: number): Promise<readonly Window[] | null>;
  /** Of some windows of a reported hour those that are stored. */
  storedWindows(
    place: Place,
    reportedHour: Hour,
    identities: readonly WindowIdentity[],
  ): Promise<readonly Window[]>;
  /** All windows of a reported hour in the order of their keys, see `inKeyOrder`, in parts. */
  windowsInOrder(place: Place, reportedHour: Hour): AsyncIterable<readonly Window[]>;
  /** What the ledger holds at or beyond an offset. */
  ledgerTail(place: Place, checkpoint: Checkpoint): Promise<LedgerTail>;
  /**
   * A loss that was accepted of records from an offset on, or with which a sealed epoch has ended; null
   * where none was.
   */
  loss(place: Place, nextOffset: number, sealed: boolean): Promise<AcceptedLoss | null>;
  /** What the tables hold of offsets from `from` and before `to`, in their order. */
  remnants(place: Place, from: number, to: number): Promise<readonly Remnant[]>;
  /** The ids accepted in these usage hours, a table for each. */
  eventTables(place: Place, usageHours: readonly Hour[]): Promise<ReadonlyMap<Hour, EventTable>>;

  writeLedger(place: Place, chunk: Chunk): Promise<void>;
  writeWindows(place: Place, chunk: Chunk): Promise<void>;
  writeDeadLetters(place: Place, chunk: Chunk): Promise<void>;
  /** Rolls the day of a closed hour up from its closed hours, this one included. */
  rollUpDay(place: Place, closedHour: Hour): Promise<void>;
  writeCheckpoint(checkpoint: Checkpoint): Promise<void>;
}

/** What the aggregator writes to Kafka. Returns when the broker has acknowledged it. */
export interface Outbox {
  publishDeadLetters(place: Place, chunk: Chunk): Promise<void>;
  /** The aggregates of a closed hour, from its windows in the order of their keys, then its marker. */
  publishClosedHour(
    place: Place,
    hour: Hour,
    windows: Iterable<readonly Window[]> | AsyncIterable<readonly Window[]>,
  ): Promise<void>;
  /** Appends a tick to a live partition and returns the broker's time of it. */
  appendTick(place: Place): Promise<Millis>;
}
