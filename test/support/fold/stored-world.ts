import { hourPartEncoder } from '../../../services/shared/avro/hour-part-codec.ts';
import { readSchemaDirectory } from '../../../services/shared/avro/schema-directory.ts';
import type { Hour } from '../../../services/shared/model/time.ts';
import { uuidText } from '../../../services/shared/model/usage-event.ts';
import type { Checkpoint, Chunk, ChunkRows } from '../../../services/shared/usage-fold/chunk.ts';
import { HourPublication, inKeyOrder } from '../../../services/shared/usage-fold/closed-hour.ts';
import { EventTable } from '../../../services/shared/usage-fold/event-table.ts';
import type { DeadLetter, LedgerEntry } from '../../../services/shared/usage-fold/fold.ts';
import type { LedgerTail } from '../../../services/shared/usage-fold/ledger-tail.ts';
import type { Remnant } from '../../../services/shared/usage-fold/loss.ts';
import {
  windowEventOf,
  windowKey,
  type Window,
} from '../../../services/shared/usage-fold/window.ts';
import type { Place } from '../../../services/shared/usage-fold/place.ts';

export interface StoredWindow {
  readonly reportedHour: Hour;
  readonly window: Window;
}

const encodePart = hourPartEncoder(readSchemaDirectory());

/**
 * The tables of one partition in memory, as ClickHouse keeps them: rows replace rows by version, in
 * whatever order they come.
 */
export class StoredWorld {
  readonly place: Place;
  readonly ledger = new Map<string, LedgerEntry>();
  readonly windows = new Map<string, StoredWindow>();
  readonly deadLetters = new Map<number, DeadLetter>();
  /** What was published for each closed hour: the digest of its marker, each time. */
  readonly published = new Map<Hour, string[]>();
  checkpoint: Checkpoint | null = null;

  constructor(place: Place) {
    this.place = place;
  }

  /** The writes of a flush in their order; the ledger is written in two inserts. */
  writesOf(chunks: readonly Chunk[]): readonly (() => void)[] {
    const ledger = chunks.flatMap((chunk) => [...chunk.ledger]);
    const half = Math.ceil(ledger.length / 2);
    return [
      () => this.writeLedger(ledger.slice(0, half)),
      () => this.writeLedger(ledger.slice(half)),
      () => chunks.forEach((chunk) => this.writeWindows(chunk)),
      () => this.writeDeadLetters(chunks.flatMap(({ deadLetters }) => deadLetters)),
      ...chunks.flatMap(({ closed }) =>
        closed.map(
          ({ hour, windows }) =>
            () =>
              this.publish(hour, inKeyOrder(windows ?? this.openWindows(hour))),
        ),
      ),
      ...chunks.slice(-1).map(
        ({ checkpoint }) =>
          () =>
            this.writeCheckpoint(checkpoint),
      ),
    ];
  }

  /** Publishes a closed hour, from its windows in the order of their keys. */
  publish(closedHour: Hour, windows: readonly Window[]): void {
    const publication = new HourPublication(this.place, closedHour, encodePart);
    publication.add(windows);
    const { marker } = publication.end();
    const earlier = this.published.get(closedHour) ?? [];
    this.published.set(closedHour, [...earlier, `${String(marker.parts)} ${marker.digest}`]);
  }

  openWindows(reportedHour: Hour): readonly Window[] {
    return [...this.windows.values()]
      .filter((row) => row.reportedHour === reportedHour)
      .map((row) => row.window);
  }

  tail(checkpoint: Checkpoint): LedgerTail {
    const beyond = [...this.ledger.values()].filter(
      ({ offset, reportedHour }) =>
        offset >= checkpoint.nextOffset && reportedHour >= checkpoint.openHour,
    );
    return {
      ids: new Map(
        beyond.map(({ offset, candidate }) => [offset, uuidText(candidate.event.eventId)]),
      ),
      lastOffset: Math.max(-1, ...beyond.map(({ offset }) => offset)),
    };
  }

  /** What is left of lost records: see `Remnant`. */
  remnants(from: number, to: number): readonly Remnant[] {
    const isLost = (offset: number): boolean => offset >= from && offset < to;
    const accepted = [...this.ledger.values()]
      .filter(({ offset }) => isLost(offset))
      .map(({ offset, reportedTime, candidate }): Remnant => {
        const event = windowEventOf(candidate);
        return { kind: 'accepted', offset, reportedTime, event, quantity: candidate.quantity };
      });
    const letters = [...this.deadLetters.values()]
      .filter(({ record }) => isLost(record.offset))
      .map(({ record: { offset }, reportedTime }): Remnant => {
        return { kind: 'dead-lettered', offset, reportedTime };
      });
    return [...accepted, ...letters].sort((a, b) => a.offset - b.offset);
  }

  eventTable(usageHour: Hour): EventTable {
    const table = new EventTable();
    for (const { offset, candidate } of this.ledger.values()) {
      if (candidate.usageHour !== usageHour) continue;
      table.add(candidate.event.eventId, offset, candidate.digest);
    }
    return table;
  }

  writeLedger(entries: readonly LedgerEntry[]): void {
    for (const entry of entries) {
      const id = uuidText(entry.candidate.event.eventId);
      this.ledger.set(`${String(entry.candidate.usageHour)} ${id} ${String(entry.offset)}`, entry);
    }
  }

  writeDeadLetters(letters: readonly DeadLetter[]): void {
    for (const letter of letters) this.deadLetters.set(letter.record.offset, letter);
  }

  writeCheckpoint(checkpoint: Checkpoint): void {
    if (this.checkpoint && this.checkpoint.nextOffset > checkpoint.nextOffset) return;
    this.checkpoint = checkpoint;
  }

  writeWindows({ reportedHour, windows }: ChunkRows): void {
    for (const window of windows) {
      const key = `${String(reportedHour)} ${windowKey(window)}`;
      const stored = this.windows.get(key);
      if (stored && stored.window.lastOffset > window.lastOffset) continue;
      this.windows.set(key, { reportedHour, window });
    }
  }
}
