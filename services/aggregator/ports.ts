import type { Hour, Millis } from '../shared/model/time.ts';
import type { Checkpoint, ChunkRows } from '../shared/usage-fold/chunk.ts';
import type { EventTable } from '../shared/usage-fold/event-table.ts';
import type { DeadLetter } from '../shared/usage-fold/fold.ts';
import type { LedgerTail } from '../shared/usage-fold/ledger-tail.ts';
import type { AcceptedLoss, Remnant } from '../shared/usage-fold/loss.ts';
import type { Window, WindowIdentity } from '../shared/usage-fold/window.ts';
import type { Place } from '../shared/usage-fold/place.ts';
import type { HourToPublish } from '../shared/usage-store/hour-publisher.ts';

/** Where a partition's usage is stored. Any write may come late or be repeated. */
export interface Store {
  checkpoint(place: Place): Promise<Checkpoint | null>;
  /** The stored windows of a reported hour; null if the store would send more than `maxBytes`. */
  windows(place: Place, reportedHour: Hour, maxBytes: number): Promise<Iterable<Window> | null>;
  /** Those of the given windows of a reported hour that are stored. */
  storedWindows(
    place: Place,
    reportedHour: Hour,
    identities: readonly WindowIdentity[],
  ): Promise<readonly Window[]>;
  /** All windows of a reported hour in the order of their keys, see `inKeyOrder`, in parts. */
  windowsInOrder(place: Place, reportedHour: Hour): AsyncIterable<readonly Window[]>;
  /** The ledger's entries from the checkpoint's next offset on. */
  ledgerTail(place: Place, checkpoint: Checkpoint): Promise<LedgerTail>;
  /**
   * The accepted loss of records from an offset on, or the loss with which a sealed epoch has ended; null
   * if there is none.
   */
  loss(place: Place, nextOffset: number, sealed: boolean): Promise<AcceptedLoss | null>;
  /** What the tables hold of the offsets from `from` up to but not including `to`, in order. */
  remnants(place: Place, from: number, to: number): Promise<readonly Remnant[]>;
  /** The ids accepted in these usage hours, one table for each hour. */
  eventTables(place: Place, usageHours: readonly Hour[]): Promise<ReadonlyMap<Hour, EventTable>>;

  /** Writes the ledger of chunks. It is atomic if all of them are of one reported month. */
  writeLedger(place: Place, chunks: readonly ChunkRows[]): Promise<void>;
  writeWindows(place: Place, chunks: readonly ChunkRows[]): Promise<void>;
  writeDeadLetters(place: Place, letters: readonly DeadLetter[]): Promise<void>;
  /** Rolls up the days of closed hours, from the first hour that closes now to the last one. */
  rollUpDays(place: Place, first: Hour, last: Hour): Promise<void>;
  writeCheckpoint(checkpoint: Checkpoint): Promise<void>;
}

/** What the aggregator writes to Kafka. Returns when the broker has acknowledged it. */
export interface Outbox {
  publishDeadLetters(place: Place, letters: readonly DeadLetter[]): Promise<void>;
  /** Publishes the aggregates of each closed hour and then its closed marker. */
  publishClosedHours(place: Place, hours: readonly HourToPublish[]): Promise<void>;
  /** Appends a tick to a live partition and returns its time by the broker's clock. */
  appendTick(place: Place): Promise<Millis>;
}
