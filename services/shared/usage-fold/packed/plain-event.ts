import { isUtf8 } from 'node:buffer';
import { RECORD, RECORD_FIELDS, type RecordBatch } from '../../model/record-batch.ts';
import { hourOf, millis, nextHour, type Hour, type Millis } from '../../model/time.ts';
import {
  MAX_IDENTITY_BYTES,
  MAX_LOCATION_BYTES,
  MAX_TEXT_BYTES,
} from '../../model/usage-event-problem.ts';
import { ContentWords } from '../content-digest.ts';
import type { ActiveRules, Knowledge } from '../knowledge.ts';
import type { WindowAttributes } from '../window.ts';
import { emptyLayout, readLayout } from './event-layout.ts';
import { readQuantity } from './limbs.ts';

/** Byte 0 and the schema id before each datum. */
const FRAME_BYTES = 5;

/**
 * The event of the record that is being folded, in the bytes of its batch. One object is reused for all
 * records.
 */
export class PlainEvent {
  readonly layout = emptyLayout();
  /** Its content for the digest. `read` sets the quantity in it. */
  readonly words = new ContentWords();
  bytes: Buffer = Buffer.alloc(0);
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
    const bytes = batch.bytes ?? this.bytes;
    if (index[field + RECORD.hasHeaders] !== 0 || length < FRAME_BYTES || bytes[value] !== 0) {
      return false;
    }
    const schema = bytes.readUInt32BE(value + 1);
    if (!knowledge.plainSchemas.has(schema) || !active.schemaIds.has(schema)) return false;
    this.bytes = bytes;
    this.offset = batch.firstOffset + n;
    this.key = index[field + RECORD.key] ?? 0;
    this.keyLength = index[field + RECORD.keyLength] ?? -1;
    const { layout, words } = this;
    return (
      readLayout(bytes, value + FRAME_BYTES, value + length, layout) &&
      this.hasPlainLengths() &&
      this.hasPlainTimes(reported, active, floor) &&
      readQuantity(bytes, layout.quantity, layout.quantityLength, words.quantity)
    );
  }

  usageHour({ rules }: ActiveRules): Hour {
    return hourOf(millis(this.layout.usageStart), rules.hourMillis);
  }

  /** Whether these bytes are valid text. A negative length stands for null, which is valid. */
  isText(at: number, length: number): boolean {
    return length <= 0 || isUtf8(this.bytes.subarray(at, at + length));
  }

  /** Its texts as strings. */
  texts(): WindowAttributes {
    const { bytes, layout } = this;
    const text = (at: number, length: number): string => bytes.toString('utf8', at, at + length);
    const optional = (at: number, length: number): string | null =>
      length < 0 ? null : text(at, length);
    return {
      subscriptionId: text(layout.subscription, layout.subscriptionLength),
      meterId: text(layout.meter, layout.meterLength),
      resourceUri: text(layout.resource, layout.resourceLength),
      location: text(layout.location, layout.locationLength),
      tags: optional(layout.tags, layout.tagsLength),
      additionalInfo: optional(layout.additionalInfo, layout.additionalInfoLength),
    };
  }

  private hasPlainLengths(): boolean {
    const { layout } = this;
    return (
      layout.subscriptionLength > 0 &&
      layout.subscriptionLength <= MAX_IDENTITY_BYTES &&
      layout.meterLength > 0 &&
      layout.meterLength <= MAX_IDENTITY_BYTES &&
      layout.resourceLength > 0 &&
      layout.resourceLength <= MAX_IDENTITY_BYTES &&
      layout.locationLength <= MAX_LOCATION_BYTES &&
      layout.tagsLength <= MAX_TEXT_BYTES &&
      layout.additionalInfoLength <= MAX_TEXT_BYTES
    );
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
