import { isUtf8 } from 'node:buffer';
import { ATTRIBUTES, textsFrom, type EventTexts } from '../../model/event-texts.ts';
import { RECORD, RECORD_FIELDS, type RecordBatch } from '../../model/record-batch.ts';
import { hourOf, millis, nextHour, type Hour, type Millis } from '../../model/time.ts';
import { MAX_IDENTITY_BYTES } from '../../model/usage-event-problem.ts';
import { ContentWords } from '../content-digest.ts';
import { idWords, readId } from '../event-table.ts';
import type { ActiveRules, Knowledge } from '../knowledge.ts';
import {
  countOf,
  emptyLayout,
  forgetLayout,
  lengthOf,
  placeOf,
  readLayout,
  textsAt,
  type TextPlaces,
} from './event-layout.ts';
import { readQuantity } from './limbs.ts';
import { ViewedBytes } from './viewed-bytes.ts';

/** Byte 0 and the schema id before each datum. */
const FRAME_BYTES = 5;

/**
 * The event of the record that is being folded, in the bytes of its batch. One object is reused for all
 * records.
 */
export class PlainEvent {
  readonly layout = emptyLayout();
  readonly id = idWords();
  /** Its content for the digest. `read` sets the quantity in it. */
  readonly words = new ContentWords();
  /** The bytes of its batch. */
  readonly source = new ViewedBytes();
  /** The position of the record's key, and its length; -1 if it has none. */
  key = 0;
  keyLength = -1;
  offset = 0;

  /**
   * Reads a record of a batch. Returns false unless it is an event in the published schema, without
   * headers, with valid lengths, times and quantity by the rules of `valueProblem`.
   */
  read(
    batch: RecordBatch,
    n: number,
    reported: number,
    active: ActiveRules,
    floor: Millis | null,
    knowledge: Knowledge,
  ): boolean {
    const { index } = batch;
    const field = n * RECORD_FIELDS;
    const value = index[field + RECORD.value] ?? 0;
    const length = index[field + RECORD.valueLength] ?? -1;
    const { source } = this;
    source.set(batch.bytes ?? source.bytes);
    const { bytes } = source;
    if (index[field + RECORD.hasHeaders] !== 0 || length < FRAME_BYTES || bytes[value] !== 0) {
      return false;
    }
    const schema = source.view.getUint32(value + 1);
    const attributes = knowledge.plainSchemas.get(schema);
    if (attributes === undefined || !active.schemaIds.has(schema)) return false;
    this.offset = batch.firstOffset + n;
    this.key = index[field + RECORD.key] ?? 0;
    this.keyLength = index[field + RECORD.keyLength] ?? -1;
    const { layout, words } = this;
    const isPlain =
      readLayout(bytes, value + FRAME_BYTES, value + length, attributes, layout) &&
      this.hasPlainLengths() &&
      this.hasPlainTimes(reported, active, floor) &&
      readQuantity(bytes, layout.quantity, layout.quantityLength, words.quantity);
    if (isPlain) readId(source.view, layout.eventId, this.id);
    return isPlain;
  }

  /** Lets go of the bytes that the last record came in. */
  forget(): void {
    this.source.forget();
    forgetLayout();
  }

  usageHour({ rules }: ActiveRules): Hour {
    return hourOf(millis(this.layout.usageStart), rules.hourMillis);
  }

  /** Whether some of its texts are valid text. Null is. */
  areTexts(places: TextPlaces): boolean {
    const { bytes } = this.source;
    for (let text = 0; text < countOf(places); text++) {
      const at = placeOf(places, text);
      const length = lengthOf(places, text);
      if (length > 0 && !isUtf8(bytes.subarray(at, at + length))) return false;
    }
    return true;
  }

  /** Its texts as strings. */
  texts(): EventTexts {
    const { bytes } = this.source;
    const { identity, attributes } = this.layout;
    return textsFrom([...textsAt(bytes, identity), ...textsAt(bytes, attributes)]);
  }

  private hasPlainLengths(): boolean {
    const { identity, attributes } = this.layout;
    for (let text = 0; text < countOf(identity); text++) {
      const length = lengthOf(identity, text);
      if (length <= 0 || length > MAX_IDENTITY_BYTES) return false;
    }
    for (let text = 0; text < ATTRIBUTES.length; text++) {
      if (lengthOf(attributes, text) > (ATTRIBUTES[text]?.maxBytes ?? 0)) return false;
    }
    return true;
  }

  private hasPlainTimes(reported: number, { rules }: ActiveRules, floor: Millis | null): boolean {
    const { usageStart, usageEnd } = this.layout;
    return (
      usageStart >= 0 &&
      usageStart < usageEnd &&
      usageEnd <= nextHour(hourOf(millis(usageStart), rules.hourMillis), rules.hourMillis) &&
      usageStart <= reported &&
      usageStart >= reported - rules.maxUsageAgeMillis &&
      (floor === null || usageStart >= floor)
    );
  }
}
