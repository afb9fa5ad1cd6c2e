import { RECORD, RECORD_FIELDS, type RecordBatch } from '../../model/record-batch.ts';
import { millis, nextHour, type Hour } from '../../model/time.ts';
import type { EventIndex } from '../event-index.ts';
import type { EventTable } from '../event-table.ts';
import type { FoldState } from '../fold.ts';
import type { ActiveRules, Knowledge } from '../knowledge.ts';
import { FoundTexts } from './found-texts.ts';
import { NONE } from './hash-index.ts';
import { JudgedSeries } from './judged-series.ts';
import { PackedLedger, type LedgerBlock } from './packed-ledger.ts';
import { PackedWindows } from './packed-windows.ts';
import { PlainEvent } from './plain-event.ts';

/**
 * Why it stopped before a record: the record is `odd` and needs the general path, or ids or windows are
 * `missing` in memory and must be loaded.
 */
export type Stop = 'end' | 'odd' | 'missing';

const ODD = -2;
const MISSING = -3;

/** What stays the same while the records of one batch are folded. */
interface Scene {
  readonly openHour: Hour;
  readonly rules: ActiveRules;
  readonly windows: PackedWindows;
  readonly ledger: LedgerBlock;
}

const timestampOf = ({ index, appendTime, firstTimestamp }: RecordBatch, n: number): number =>
  appendTime ?? firstTimestamp + (index[n * RECORD_FIELDS + RECORD.timestampDelta] ?? 0);

/**
 * Folds the plain records of a partition from their bytes, and leaves all others to the general path
 * (`advance` and `count`). A record is plain if it is certain what those two would do with it: it is an
 * event in the published schema without headers, in the open hour, with valid values, and its id is new or
 * was seen with the same content. This class never decides against a record: a record that it cannot take,
 * for whatever reason, is odd.
 */
export class PackedFold {
  private readonly state: FoldState;
  private readonly index: EventIndex;
  private readonly knowledge: Knowledge;
  private readonly event = new PlainEvent();
  private readonly texts = new FoundTexts();
  private readonly series: JudgedSeries;
  /** The id table that was last used in this call of `fold`. */
  private table: EventTable | null = null;
  private tableHour = NaN;
  /** Whether it has been pinned in this call: no cut comes in between. */
  private isPinned = false;
  private duplicates = 0;

  constructor(state: FoldState, index: EventIndex, knowledge: Knowledge) {
    this.state = state;
    this.index = index;
    this.knowledge = knowledge;
    this.series = new JudgedSeries(state.place);
  }

  /**
   * Folds the plain records of a batch, beginning with record `from`, up to the first that is not plain.
   * Returns the position of the next record.
   */
  fold(batch: RecordBatch, from: number): { readonly next: number; readonly stop: Stop } {
    const { windows, pending, timeline } = this.state;
    this.table = null; // it may have been evicted since
    const { rules, sealed, openHour } = timeline;
    const { ledger } = pending;
    const isPossible =
      batch.bytes !== null &&
      rules !== null &&
      !sealed &&
      windows instanceof PackedWindows &&
      ledger instanceof PackedLedger;
    if (!isPossible) return { next: from, stop: 'odd' };
    if (this.series.use(windows.series, rules)) this.texts.forget();
    return this.foldBytes(batch, from, { openHour, rules, windows, ledger: ledger.block });
  }

  /** Lets go of the bytes of the last batch. */
  forget(): void {
    this.event.forget();
  }

  /** The usage hours of plain records from one on: ids that are about to be looked for. */
  usageHours(batch: RecordBatch, from: number, end: number): ReadonlySet<Hour> {
    const { event, knowledge } = this;
    const { rules, floor, watermark } = this.state.timeline;
    const hours = new Set<Hour>();
    if (rules === null) return hours;
    for (let n = from; n < end; n++) {
      const reported = Math.max(timestampOf(batch, n), watermark);
      if (event.read(batch, n, reported, rules, floor, knowledge))
        hours.add(event.usageHour(rules));
    }
    return hours;
  }

  private foldBytes(batch: RecordBatch, from: number, scene: Scene): { next: number; stop: Stop } {
    const { state } = this;
    const { source } = state.place;
    const hourEnd = nextHour(scene.openHour, source.hourMillis);
    // A history run refuses hours other than its own. The open hour is one of its own.
    const runEnd =
      source.lastHour === null ? Infinity : nextHour(source.lastHour, source.hourMillis);
    const earliest = source.kind === 'history' ? source.firstHour : -Infinity;
    this.duplicates = 0;
    let { watermark } = state.timeline;
    let accepted = 0;
    let n = from;
    let stop: Stop = 'end';
    for (; n < batch.count; n++) {
      const timestamp = timestampOf(batch, n);
      if (timestamp >= hourEnd || timestamp < earliest || timestamp >= runEnd) {
        stop = 'odd';
        break;
      }
      const reported = Math.max(timestamp, watermark);
      const done = this.foldRecord(batch, n, reported, scene);
      if (done < 0) {
        stop = done === MISSING ? 'missing' : 'odd';
        break;
      }
      watermark = millis(reported);
      accepted += done;
    }
    if (n > from) this.advance(batch, n, watermark, accepted);
    return { next: n, stop };
  }

  /** Moves the state on to record `n`. */
  private advance(batch: RecordBatch, n: number, watermark: number, accepted: number): void {
    const { state } = this;
    const nextOffset = batch.firstOffset + n;
    const { counts, timeline } = state;
    const folded = accepted + this.duplicates;
    state.counts = {
      accepted: counts.accepted + accepted,
      duplicate: counts.duplicate + this.duplicates,
      deadLettered: counts.deadLettered,
      control: counts.control + (nextOffset - state.nextOffset - folded),
      lost: counts.lost,
    };
    state.nextOffset = nextOffset;
    state.lastRecord = batch.record(n - 1);
    if (watermark !== timeline.watermark) {
      state.timeline = { ...timeline, watermark: millis(watermark) };
    }
  }

  /**
   * Returns 1 if the record was accepted, 0 if it is a duplicate, and ODD or MISSING if it was not folded.
   */
  private foldRecord(batch: RecordBatch, n: number, reported: number, scene: Scene): number {
    const { event, texts } = this;
    const { rules, windows } = scene;
    const { floor } = this.state.timeline;
    if (!event.read(batch, n, reported, rules, floor, this.knowledge)) return ODD;
    const series = this.series.find(event, windows, rules);
    if (series === NONE) return ODD;
    const usageHour = event.usageHour(rules);
    const table = this.tableOf(usageHour);
    if (table === null) return MISSING;
    if (!texts.find(event, series, windows.texts)) return ODD;
    const { id, layout, words, offset } = event;
    words.digest(
      windows.series.digestHigh(series),
      windows.series.digestLow(series),
      texts.high,
      texts.low,
      layout.usageStart,
      layout.usageEnd,
    );

    const seen = table.entryOf(id);
    if (seen !== NONE && table.offsetOf(seen) < offset) {
      // With other content it is a conflict.
      if (table.digestHigh(seen) !== words.high || table.digestLow(seen) !== words.low) return ODD;
      this.duplicates++;
      return 0;
    }
    // Another owner's rows may already hold the id at a later offset, see `EventTable.add`.
    if (seen !== NONE && table.offsetOf(seen) !== offset) return ODD;
    const window = this.windowOf(series, usageHour, windows);
    if (window === NONE) return MISSING;
    if (seen === NONE) table.append(id, offset, words.high, words.low);
    if (!this.isPinned) this.index.pin(usageHour);
    this.isPinned = true;
    windows.addTo(window, words.quantity, offset);
    this.write(reported, usageHour, series, scene);
    return 1;
  }

  /** The window of an event. It is opened if this is its first event; -1 if it must be loaded. */
  private windowOf(series: number, usageHour: Hour, windows: PackedWindows): number {
    const found = windows.find(series, usageHour);
    if (found !== NONE) return found;
    if (!windows.mayOpen(series, usageHour)) return NONE;
    const { event, texts } = this;
    const entry =
      texts.entry === NONE ? windows.textsOf(event.source, event.layout.attributes) : texts.entry;
    return windows.open(series, usageHour, entry, event.offset);
  }

  /** Writes the row of the ledger. */
  private write(reported: number, usageHour: Hour, series: number, scene: Scene): void {
    const { event } = this;
    const { layout, words } = event;
    const { windows, ledger } = scene;
    const { next, length } = ledger;
    next.offset = event.offset;
    next.digestHigh = words.high;
    next.digestLow = words.low;
    next.reportedTime = reported;
    next.reportedHour = scene.openHour;
    next.usageHour = usageHour;
    next.usageStart = layout.usageStart;
    next.usageEnd = layout.usageEnd;
    ledger.identities.setEntry(length, windows.series, series);
    this.texts.setIn(ledger.attributes, length, event, windows.texts);
    ledger.add(event.id, words.quantity);
  }

  /** The ids of a usage hour; null if they are not in memory. */
  private tableOf(usageHour: Hour): EventTable | null {
    if (this.table !== null && this.tableHour === usageHour) return this.table;
    if (this.index.missing([usageHour]).length > 0) return null;
    this.table = this.index.table(usageHour);
    this.tableHour = usageHour;
    this.isPinned = false;
    return this.table;
  }
}
