import { EARLIER_EPOCH, EventTable } from '../../services/shared/usage-fold/event-table.ts';
import type { Checkpoint, ChunkRows } from '../../services/shared/usage-fold/chunk.ts';
import { inKeyOrder } from '../../services/shared/usage-fold/closed-hour.ts';
import type { DeadLetter, LedgerEntry } from '../../services/shared/usage-fold/fold.ts';
import { inMonths } from '../../services/shared/usage-fold/in-months.ts';
import type { LedgerTail } from '../../services/shared/usage-fold/ledger-tail.ts';
import type { Place } from '../../services/shared/usage-fold/place.ts';
import { WINDOW_BYTES } from '../../services/shared/usage-fold/open-windows.ts';
import { windowKey, type Window } from '../../services/shared/usage-fold/window.ts';
import type { Store } from '../../services/aggregator/ports.ts';
import { addQuantities, type Quantity } from '../../services/shared/model/decimal.ts';
import { partitionName, type SourcePartition } from '../../services/shared/model/source.ts';
import { dayOf, type Hour } from '../../services/shared/model/time.ts';
import { uuidText } from '../../services/shared/model/usage-event.ts';
import type { PortCalls } from './port-calls.ts';

export interface WindowRow {
  readonly place: SourcePartition;
  readonly reportedHour: Hour;
  readonly window: Window;
}

export interface DailyRow {
  readonly quantity: Quantity;
  readonly eventCount: number;
  readonly firstOffset: number;
  readonly lastHour: Hour;
}

/** Is told of each row that a reader can see from now on; may throw where it must not be there. */
export interface StoreObserver {
  ledgerRow(place: SourcePartition, entry: LedgerEntry): void;
  windowRow(before: WindowRow | undefined, row: WindowRow): void;
  deadLetterRow(place: SourcePartition, before: DeadLetter | undefined, row: DeadLetter): void;
  checkpointRow(before: Checkpoint | undefined, row: Checkpoint): void;
}

/** A mistake in the tables, for the mutants that are one. */
export type StoreMistake =
  | 'increments'
  | 'last-writer-wins'
  | 'checkpoint-goes-back'
  | 'checkpoints-without-epoch'
  | 'dead-letters-without-epoch'
  | 'ledger-without-epoch'
  | 'restart-forgets-ids'
  | 'earlier-epochs-forgotten';

/**
 * The tables as ClickHouse keeps them: each insert is applied as a whole; a row replaces the one
 * with its key unless that has a higher version; among equal versions the last insert wins.
 */
export class SimulatedStore {
  readonly checkpoints = new Map<string, Checkpoint>();
  /** By partition, then by usage hour, id and offset. */
  readonly ledger = new Map<string, Map<string, LedgerEntry>>();
  readonly windows = new Map<string, WindowRow>();
  readonly daily = new Map<string, DailyRow>();
  readonly deadLetters = new Map<string, DeadLetter>();
  /** Inserts of windows of several hours. */
  together = 0;
  private readonly observer: StoreObserver;
  private readonly mistake: StoreMistake | null;

  constructor(observer: StoreObserver, mistake: StoreMistake | null) {
    this.observer = observer;
    this.mistake = mistake;
  }

  /** The store as one owner sees it: each of its requests waits for its turn. */
  portOf(calls: PortCalls, owner: object): Store {
    return {
      checkpoint: (place) => calls.read(owner, () => this.checkpointOf(place) ?? null),
      windows: (place, reportedHour, maxBytes) =>
        calls.read(owner, () => {
          const windows = this.openWindows(place, reportedHour);
          return windows.length * WINDOW_BYTES > maxBytes ? null : windows;
        }),
      storedWindows: (place, reportedHour, identities) =>
        calls.read(owner, () => {
          const keys = new Set(identities.map(windowKey));
          return this.openWindows(place, reportedHour).filter((each) => keys.has(windowKey(each)));
        }),
      windowsInOrder: (place, reportedHour) => this.inOrder(calls, owner, place, reportedHour),
      ledgerTail: (place, checkpoint) => calls.read(owner, () => this.tail(place, checkpoint)),
      // Logs lose nothing here: see fold/loss.property.test.ts.
      loss: () => Promise.resolve(null),
      remnants: () => Promise.reject(new Error('nothing was lost')),
      eventTables: (place, hours) => calls.read(owner, () => this.eventTables(place, hours)),
      // One insert, which is applied month by month, in whatever order.
      writeLedger: async (place, chunks) => {
        for (const month of inMonths(chunks).toReversed()) {
          await calls.write(owner, () => this.insertLedger(place, month));
        }
      },
      writeWindows: async (place, chunks) => {
        if (chunks.length > 1) this.together++;
        for (const month of inMonths(chunks).toReversed()) {
          await calls.write(owner, () => this.insertWindows(place, month));
        }
      },
      writeDeadLetters: (place, letters) =>
        calls.write(owner, () => this.insertDeadLetters(place, letters)),
      // One statement, but what it reads and what it writes are not one instant.
      rollUpDays: async (place, first, last) => {
        const rows = await calls.read(owner, () => this.rolledUp(place, first, last));
        await calls.write(owner, () => this.insertDaily(rows));
      },
      writeCheckpoint: (checkpoint) => calls.write(owner, () => this.insertCheckpoint(checkpoint)),
    };
  }

  ledgerOf(place: SourcePartition): Map<string, LedgerEntry> {
    const name = this.keyOf(place, 'ledger-without-epoch');
    let rows = this.ledger.get(name);
    if (!rows) this.ledger.set(name, (rows = new Map<string, LedgerEntry>()));
    return rows;
  }

  ledgerRowAt(place: SourcePartition, offset: number): LedgerEntry | undefined {
    for (const entry of this.ledgerOf(place).values()) if (entry.offset === offset) return entry;
    return undefined;
  }

  checkpointOf(place: SourcePartition): Checkpoint | undefined {
    return this.checkpoints.get(this.keyOf(place, 'checkpoints-without-epoch'));
  }

  deadLetterAt(place: SourcePartition, offset: number): DeadLetter | undefined {
    return this.deadLetters.get(this.deadLetterKey(place, offset));
  }

  private deadLetterKey(place: SourcePartition, offset: number): string {
    return `${this.keyOf(place, 'dead-letters-without-epoch')} ${String(offset)}`;
  }

  private keyOf(place: SourcePartition, withoutEpoch: StoreMistake): string {
    return partitionName(this.mistake === withoutEpoch ? { ...place, epoch: 0 } : place);
  }

  windowRows(place: SourcePartition, reportedHour: Hour): WindowRow[] {
    const found: WindowRow[] = [];
    for (const row of this.windows.values()) {
      if (row.reportedHour === reportedHour && isSamePlace(row.place, place)) found.push(row);
    }
    return found;
  }

  private openWindows(place: Place, reportedHour: Hour): Window[] {
    return this.windowRows(place, reportedHour).map(({ window }) => window);
  }

  /** In parts of one window, so that one hour is published by several requests. */
  private async *inOrder(
    calls: PortCalls,
    owner: object,
    place: Place,
    reportedHour: Hour,
  ): AsyncIterable<readonly Window[]> {
    const windows = await calls.read(owner, () => this.openWindows(place, reportedHour));
    for (const window of inKeyOrder(windows)) yield [window];
  }

  private tail(place: Place, checkpoint: Checkpoint): LedgerTail {
    const ids = new Map<number, string>();
    let lastOffset = -1;
    for (const { offset, reportedHour, candidate } of this.ledgerOf(place).values()) {
      if (offset < checkpoint.nextOffset || reportedHour < checkpoint.openHour) continue;
      ids.set(offset, uuidText(candidate.event.eventId));
      lastOffset = Math.max(lastOffset, offset);
    }
    return { ids, lastOffset };
  }

  private eventTables(place: Place, hours: readonly Hour[]): ReadonlyMap<Hour, EventTable> {
    const tables = new Map(hours.map((hour) => [hour, new EventTable()]));
    if (this.mistake === 'restart-forgets-ids') return tables;
    for (const { offset, candidate } of this.ledgerOf(place).values()) {
      tables.get(candidate.usageHour)?.add(candidate.event.eventId, offset, candidate.digest);
    }
    if (place.epoch === 1 || this.mistake === 'earlier-epochs-forgotten') return tables;
    for (const { topic, epoch, partition, sealed, nextOffset } of this.checkpoints.values()) {
      if (topic !== place.topic || epoch >= place.epoch || !sealed) continue;
      for (const { offset, candidate } of this.ledgerOf({ topic, epoch, partition }).values()) {
        if (offset >= nextOffset) continue;
        tables
          .get(candidate.usageHour)
          ?.add(candidate.event.eventId, EARLIER_EPOCH, candidate.digest);
      }
    }
    return tables;
  }

  private insertLedger(place: Place, chunks: readonly ChunkRows[]): void {
    const rows = this.ledgerOf(place);
    for (const entry of chunks.flatMap(({ ledger }) => [...ledger])) {
      const id = Buffer.from(entry.candidate.event.eventId).toString('latin1');
      rows.set(`${String(entry.offset)} ${String(entry.candidate.usageHour)} ${id}`, entry);
      this.observer.ledgerRow(place, entry);
    }
  }

  private insertWindows(place: Place, chunks: readonly ChunkRows[]): void {
    for (const chunk of chunks) this.insertWindowsOf(place, chunk);
  }

  private insertWindowsOf(place: Place, chunk: ChunkRows): void {
    const windows = this.mistake === 'increments' ? incrementsOf(chunk) : chunk.windows;
    for (const window of windows) {
      const key = `${partitionName(place)} ${String(chunk.reportedHour)} ${windowKey(window)}`;
      const before = this.windows.get(key);
      const added = before && this.mistake === 'increments' ? sumOf(before.window, window) : window;
      if (
        before &&
        before.window.lastOffset > added.lastOffset &&
        this.mistake !== 'last-writer-wins'
      )
        continue;
      const row = { place, reportedHour: chunk.reportedHour, window: added };
      this.windows.set(key, row);
      this.observer.windowRow(before, row);
    }
  }

  private insertDeadLetters(place: Place, letters: readonly DeadLetter[]): void {
    for (const letter of letters) {
      const key = this.deadLetterKey(place, letter.record.offset);
      const before = this.deadLetters.get(key);
      this.deadLetters.set(key, letter);
      this.observer.deadLetterRow(place, before, letter);
    }
  }

  /** As ROLL_UP_DAYS of the aggregator's store has it. */
  private rolledUp(place: Place, first: Hour, last: Hour): ReadonlyMap<string, DailyRow> {
    const { hourMillis } = place.source;
    const rows = new Map<string, DailyRow>();
    for (const { place: at, reportedHour, window } of this.windows.values()) {
      const day = dayOf(reportedHour, hourMillis);
      if (day < dayOf(first, hourMillis) || reportedHour > last || !isSamePlace(at, place))
        continue;
      const key = dailyKey(place, day, dayOf(window.usageHour, hourMillis), window);
      const row = rows.get(key);
      rows.set(key, {
        quantity: row ? addQuantities(row.quantity, window.quantity) : window.quantity,
        eventCount: (row?.eventCount ?? 0) + window.eventCount,
        firstOffset: Math.min(row?.firstOffset ?? Infinity, window.firstOffset),
        lastHour: Math.max(row?.lastHour ?? 0, reportedHour) as Hour,
      });
    }
    for (const [key, row] of rows) if (row.lastHour < first) rows.delete(key);
    return rows;
  }

  private insertDaily(rows: ReadonlyMap<string, DailyRow>): void {
    for (const [key, row] of rows) {
      const before = this.daily.get(key);
      if (!before || before.lastHour <= row.lastHour) this.daily.set(key, row);
    }
  }

  private insertCheckpoint(checkpoint: Checkpoint): void {
    const name = this.keyOf(checkpoint, 'checkpoints-without-epoch');
    const before = this.checkpoints.get(name);
    if (
      before &&
      before.nextOffset > checkpoint.nextOffset &&
      this.mistake !== 'checkpoint-goes-back'
    )
      return;
    this.checkpoints.set(name, checkpoint);
    this.observer.checkpointRow(before, checkpoint);
  }
}

const isSamePlace = (a: SourcePartition, b: SourcePartition): boolean =>
  a.partition === b.partition && a.epoch === b.epoch && a.topic === b.topic;

export const dailyKey = (
  at: SourcePartition,
  day: number,
  usageDay: number,
  keys: Pick<Window, 'subscriptionKey' | 'meterKey' | 'resourceKey'>,
): string =>
  `${partitionName(at)} ${String(day)} ${String(usageDay)} ${keys.subscriptionKey} ${keys.meterKey} ${keys.resourceKey}`;

/** What a chunk adds to each of its windows. */
const incrementsOf = (chunk: ChunkRows): Window[] =>
  Array.from(chunk.windows, (window) => {
    const key = windowKey(window);
    const added = [...chunk.ledger].filter(({ candidate }) => windowKey(candidate) === key);
    return {
      ...window,
      quantity: added.map(({ candidate }) => candidate.quantity).reduce(addQuantities),
      eventCount: added.length,
    };
  });

const sumOf = (before: Window, added: Window): Window => ({
  ...added,
  quantity: addQuantities(before.quantity, added.quantity),
  eventCount: before.eventCount + added.eventCount,
  firstOffset: Math.min(before.firstOffset, added.firstOffset),
  lastOffset: Math.max(before.lastOffset, added.lastOffset),
});
