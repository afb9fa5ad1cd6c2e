import type { Checkpoint } from '../../services/shared/usage-fold/chunk.ts';
import type { DeadLetter, LedgerEntry } from '../../services/shared/usage-fold/fold.ts';
import type { Window } from '../../services/shared/usage-fold/window.ts';
import { DEAD_LETTER_HEADERS } from '../../services/shared/model/dead-letter.ts';
import type { NewRecord } from '../../services/shared/kafka/new-record.ts';
import { recordDigest } from '../../services/shared/model/record-mark.ts';
import { partitionName, type SourcePartition } from '../../services/shared/model/source.ts';
import { DAY_MILLIS, HOUR_MILLIS, isoText, type Hour } from '../../services/shared/model/time.ts';
import { uuidText } from '../../services/shared/model/usage-event.ts';
import type { AggregatesTopic } from './aggregates-topic.ts';
import { expectedWindowKey, type ExpectedEvent, type Oracle } from './oracle.ts';
import {
  dailyKey,
  type DailyRow,
  type SimulatedStore,
  type StoreObserver,
  type WindowRow,
} from './simulated-store.ts';
import { violated } from './violation.ts';

const dayAt = (time: number): number => time - (time % DAY_MILLIS);

/** What the reader can see of the world. */
export interface Visible {
  storeOf(): SimulatedStore;
  readonly aggregates: AggregatesTopic;
  oracleOf(place: SourcePartition): Oracle;
}

/**
 * Somebody who reads every table and topic all the time, and knows from the oracle what must stand
 * there: each row as soon as it is written, and all that a checkpoint makes readable.
 */
export class Reader implements StoreObserver {
  private readonly visible: Visible;
  /** Codes by partition and offset, as they stand on the topic of dead letters. */
  private readonly lettersOnTopic = new Map<string, string>();

  constructor(visible: Visible) {
    this.visible = visible;
  }

  /** An accepted event: the oracle accepts it there too. */
  ledgerRow(place: SourcePartition, { offset, candidate, ...entry }: LedgerEntry): void {
    const oracle = this.oracleOf(place);
    const expected = oracle.events.get(offset);
    const name = `the ledger row of ${partitionName(place)} at ${String(offset)}`;
    if (!expected) return violated(`${name} is of no accepted event`);
    const isRight =
      uuidText(candidate.event.eventId) === expected.id &&
      candidate.usageHour === expected.usageHour &&
      entry.reportedHour === expected.reportedHour &&
      entry.reportedTime === oracle.at[offset + 1]?.watermark;
    if (!isRight) violated(`${name} is not what its event says`);
  }

  /** A window: the function of the log up to its last offset, and in a closed hour the final one. */
  windowRow(before: WindowRow | undefined, { place, reportedHour, window }: WindowRow): void {
    const name = `the window of ${partitionName(place)} ${isoText(reportedHour)} ${isoText(window.usageHour)}`;
    const closed = this.visible.storeOf().checkpointOf(place)?.openHour ?? 0;
    if (reportedHour < closed && !(before && isSameTotal(before.window, window))) {
      violated(`${name} changed after its hour was readable`);
    }
    const events = this.eventsOf(place, reportedHour, window);
    const covered = events.filter(({ offset }) => offset <= window.lastOffset);
    const [first] = covered;
    if (!first) return violated(`${name} holds no accepted event`);
    const isRight =
      window.eventCount === covered.length &&
      window.quantity === totalOf(covered) &&
      window.firstOffset === first.offset &&
      window.lastOffset === covered.at(-1)?.offset &&
      window.meterId === first.event.meterId;
    if (!isRight) {
      violated(
        `${name} is not the total of the log up to ${String(window.lastOffset)}: ` +
          `${String(window.eventCount)} events, expected ${String(covered.length)}`,
      );
    }
    for (const event of covered) this.requireLedgerRow(place, event);
  }

  /** A dead letter: never another reason than before. */
  deadLetterRow(place: SourcePartition, before: DeadLetter | undefined, row: DeadLetter): void {
    const { offset } = row.record;
    const expected = this.oracleOf(place).letters.get(offset);
    const name = `the dead letter of ${partitionName(place)} at ${String(offset)}`;
    if (row.code !== expected?.code || row.reportedTime !== expected.reportedTime) {
      violated(`${name} is ${row.code}, expected ${expected?.code ?? 'none'}`);
    }
    const isSame = before && recordDigest(before.record) === recordDigest(row.record);
    if (before && !(isSame && before.message === row.message)) {
      violated(`${name} changed`);
    }
  }

  deadLettersPublished(records: readonly NewRecord[]): void {
    for (const { headers = {} } of records) {
      const partition = {
        topic: headers[DEAD_LETTER_HEADERS.topic] ?? '',
        epoch: Number(headers[DEAD_LETTER_HEADERS.epoch]),
        partition: Number(headers[DEAD_LETTER_HEADERS.partition]),
      };
      const key = `${partitionName(partition)} ${headers[DEAD_LETTER_HEADERS.offset] ?? ''}`;
      this.lettersOnTopic.set(key, headers[DEAD_LETTER_HEADERS.code] ?? '');
    }
  }

  /** A checkpoint: all that it makes readable is there, and it never goes back. */
  checkpointRow(before: Checkpoint | undefined, row: Checkpoint): void {
    const name = `the checkpoint of ${partitionName(row)} at ${String(row.nextOffset)}`;
    if (before && before.nextOffset > row.nextOffset) violated(`${name} went back`);
    const { counts } = row;
    const sum = counts.accepted + counts.duplicate + counts.deadLettered + counts.control;
    if (sum !== row.nextOffset - row.firstOffset) violated(`${name} does not add up`);
    const expected = this.oracleOf(row).expectedAt(row.nextOffset);
    const isRight =
      counts.accepted === expected.accepted &&
      counts.duplicate === expected.duplicate &&
      counts.deadLettered === expected.deadLettered &&
      counts.control === expected.control &&
      row.watermark === expected.watermark &&
      row.openHour === expected.openHour &&
      row.sealed === expected.sealed;
    if (!isRight) {
      violated(`${name} says ${JSON.stringify(row.counts)}, expected ${JSON.stringify(expected)}`);
    }
    this.requireAll(row, before?.nextOffset ?? 0, row.nextOffset);
    const { firstHour } = this.oracleOf(row).place.source;
    for (
      let hour = before?.openHour ?? firstHour;
      hour < row.openHour;
      hour = (hour + HOUR_MILLIS) as Hour
    ) {
      this.requireClosedHour(row, hour);
    }
  }

  /** Everything at once, when all has been written. */
  requireEnd(place: SourcePartition): void {
    const store = this.visible.storeOf();
    const name = partitionName(place);
    const oracle = this.oracleOf(place);
    const { log } = oracle;
    const checkpoint = store.checkpointOf(place);
    if (checkpoint?.nextOffset !== log.high || !checkpoint.sealed) {
      return violated(`${name} was not counted to its end`);
    }
    this.checkpointRow(undefined, checkpoint);
    const ledger = store.ledgerOf(place).size;
    if (ledger !== oracle.events.size) violated(`${name} has ${String(ledger)} rows in its ledger`);
    let letters = 0;
    for (const key of store.deadLetters.keys()) if (key.startsWith(`${name} `)) letters++;
    if (letters !== oracle.letters.size) violated(`${name} has ${String(letters)} dead letters`);
    let events = 0;
    for (const row of store.windows.values()) {
      if (partitionName(row.place) === name) events += row.window.eventCount;
    }
    if (events !== oracle.events.size) violated(`${name} has ${String(events)} events in windows`);
    let daily = 0;
    for (const [key, row] of store.daily) if (key.startsWith(`${name} `)) daily += row.eventCount;
    if (daily !== oracle.events.size) violated(`${name} has ${String(daily)} events in days`);
    for (const hour of this.visible.aggregates.hours.keys()) {
      if (!hour.startsWith(`${name} `)) continue;
      if (Number(hour.slice(name.length)) >= checkpoint.openHour) violated(`${hour} is open`);
    }
  }

  private oracleOf(place: SourcePartition): Oracle {
    const oracle = this.visible.oracleOf(place);
    oracle.catchUp();
    return oracle;
  }

  private eventsOf(
    place: SourcePartition,
    reportedHour: Hour,
    window: Window,
  ): readonly ExpectedEvent[] {
    const key = expectedWindowKey(reportedHour, window.usageHour, window);
    return this.oracleOf(place).windows.get(key) ?? [];
  }

  private requireLedgerRow(place: SourcePartition, { offset, id }: ExpectedEvent): void {
    const row = this.visible.storeOf().ledgerRowAt(place, offset);
    if (row === undefined || uuidText(row.candidate.event.eventId) !== id) {
      violated(`${partitionName(place)} has no ledger row at ${String(offset)}, and counts it`);
    }
  }

  /** What the records of these offsets left behind is there. */
  private requireAll(place: SourcePartition, from: number, to: number): void {
    const store = this.visible.storeOf();
    const oracle = this.oracleOf(place);
    const name = partitionName(place);
    for (let offset = from; offset < to; offset++) {
      const event = oracle.events.get(offset);
      if (event) {
        this.requireLedgerRow(place, event);
        const held = store
          .windowRows(place, event.reportedHour as Hour)
          .some(
            ({ window }) =>
              window.lastOffset >= offset &&
              expectedWindowKey(event.reportedHour, window.usageHour, window) === event.window,
          );
        if (!held) violated(`no window of ${name} holds the event at ${String(offset)}`);
      }
      const letter = oracle.letters.get(offset);
      if (!letter) continue;
      if (store.deadLetterAt(place, offset)?.code !== letter.code) {
        violated(`${name} has no dead letter at ${String(offset)}`);
      }
      if (this.lettersOnTopic.get(`${name} ${String(offset)}`) !== letter.code) {
        violated(`the topic of dead letters has none of ${name} at ${String(offset)}`);
      }
    }
  }

  /** Windows, days and the publication of an hour that readers may rely on from now on. */
  private requireClosedHour(place: SourcePartition, hour: Hour): void {
    const { aggregates } = this.visible;
    const store = this.visible.storeOf();
    const oracle = this.oracleOf(place);
    const name = `${partitionName(place)} ${String(hour)}`;
    const rows = store.windowRows(place, hour);
    const events = [...oracle.events.values()].filter(({ reportedHour }) => reportedHour === hour);
    const windows = new Set(events.map(({ window }) => window));
    if (rows.length !== windows.size) {
      violated(`${name} has ${String(rows.length)} windows, expected ${String(windows.size)}`);
    }
    for (const { window } of rows) {
      const expected = this.eventsOf(place, hour, window);
      if (window.eventCount !== expected.length) violated(`a window of ${name} is not whole`);
    }
    this.requireDays(oracle, hour, events);

    const published = aggregates.hours.get(name);
    if (!published) return violated(`${name} is closed and not published`);
    const totals = new Map<string, bigint>();
    for (const { event } of events) {
      const key = `${event.meterId} ${event.resourceUri}`.toLowerCase();
      totals.set(key, (totals.get(key) ?? 0n) + event.quantity);
    }
    for (const { meterId, resourceUri, quantity } of published.aggregates) {
      const key = `${meterId} ${resourceUri}`.toLowerCase();
      if (totals.get(key) !== quantity) violated(`${name} was published with another total`);
      totals.delete(key);
    }
    if (totals.size > 0) violated(`${name} was published without some of its usage`);
  }

  /** The days to which an hour adds must have it. */
  private requireDays(oracle: Oracle, hour: Hour, events: readonly ExpectedEvent[]): void {
    const { place } = oracle;
    for (const event of events) {
      const key = dayKeyOf(place, event);
      const row = this.visible.storeOf().daily.get(key);
      if (!row || row.lastHour < hour) return violated(`${key} is without hour ${String(hour)}`);
      requireDay(key, row, oracle);
    }
  }
}

const requireDay = (key: string, row: DailyRow, oracle: Oracle): void => {
  const events = [...oracle.events.values()].filter(
    (event) => event.reportedHour <= row.lastHour && dayKeyOf(oracle.place, event) === key,
  );
  const isRight =
    row.quantity === totalOf(events) &&
    row.eventCount === events.length &&
    row.firstOffset === events[0]?.offset &&
    row.lastHour === events.at(-1)?.reportedHour;
  if (!isRight) violated(`${key} is not the total of its hours`);
};

const dayKeyOf = (place: SourcePartition, { event, reportedHour, usageHour }: ExpectedEvent) =>
  dailyKey(place, dayAt(reportedHour), dayAt(usageHour), {
    subscriptionKey: event.subscriptionId.toLowerCase(),
    meterKey: event.meterId.toLowerCase(),
    resourceKey: event.resourceUri.toLowerCase(),
  });

const totalOf = (events: readonly ExpectedEvent[]): bigint => {
  let total = 0n;
  for (const { event } of events) total += event.quantity;
  return total;
};

const isSameTotal = (a: Window, b: Window): boolean =>
  a.quantity === b.quantity &&
  a.eventCount === b.eventCount &&
  a.firstOffset === b.firstOffset &&
  a.lastOffset === b.lastOffset;
