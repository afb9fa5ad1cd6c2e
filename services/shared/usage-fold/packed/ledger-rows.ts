import { quantityToBytes } from '../../model/decimal.ts';
import { asciiLower, resourceKey } from '../../model/placement.ts';
import { millis, type Hour } from '../../model/time.ts';
import type { LedgerEntry } from '../fold.ts';
import type { Place } from '../place.ts';
import { quantityOf } from './limbs.ts';
import { RowBuffer, RowReader } from './row-buffer.ts';

/** The columns of `usage_events` in the order in which `PackedLedger` writes them. */
export const LEDGER_COLUMNS = [
  'topic',
  'epoch',
  'partition',
  'offset',
  'event_id',
  'content_digest',
  'reported_time',
  'reported_hour',
  'usage_hour',
  'usage_start',
  'usage_end',
  'subscription_id',
  'meter_id',
  'resource_uri',
  'quantity',
  'location',
  'tags',
  'additional_info',
] as const;

/** What every row of a partition begins with: topic, epoch and partition number. */
export const placeBytes = ({ topic, epoch, partition }: Place): Buffer => {
  const rows = new RowBuffer(Buffer.alloc(Buffer.byteLength(topic) + 16));
  const text = Buffer.from(topic, 'utf8');
  rows.length(text.length);
  rows.copy(text, 0, text.length);
  rows.uint32(epoch);
  rows.uint16(partition);
  return Buffer.from(rows.written());
};

/** A row of the ledger without its place. Texts are in their tables, in RowBinary. */
export interface PackedRow {
  offset: number;
  /** The bytes that hold the event's id, from `at` on. */
  bytes: Uint8Array;
  eventId: number;
  digestHigh: number;
  digestLow: number;
  reportedTime: number;
  reportedHour: number;
  usageHour: number;
  usageStart: number;
  usageEnd: number;
  identity: Buffer;
  identityStart: number;
  identityEnd: number;
  quantity: Uint32Array;
  texts: Buffer;
  textsStart: number;
  textsEnd: number;
}

/** Reads rows as entries, for readers that need objects. */
export const ledgerEntries = (bytes: Buffer, placeLength: number): LedgerEntry[] => {
  const reader = new RowReader(bytes);
  const entries: LedgerEntry[] = [];
  while (!reader.isAtEnd) {
    reader.skip(placeLength);
    entries.push(readEntry(reader));
  }
  return entries;
};

const readEntry = (reader: RowReader): LedgerEntry => {
  const offset = reader.int64();
  const eventId = reader.uuid();
  const digest = reader.uint64();
  const reportedTime = millis(reader.int64());
  const reportedHour = (reader.uint32() * 1000) as Hour;
  const usageHour = (reader.uint32() * 1000) as Hour;
  const usageStartTime = millis(reader.int64());
  const usageEndTime = millis(reader.int64());
  const subscriptionId = reader.text();
  const meterId = reader.text();
  const resourceUri = reader.text();
  const quantity = quantityOf(reader.limbs());
  return {
    offset,
    reportedTime,
    reportedHour,
    candidate: {
      event: {
        eventId,
        subscriptionId,
        meterId,
        resourceUri,
        usageStartTime,
        usageEndTime,
        quantity: quantityToBytes(quantity),
        location: reader.text(),
        tags: reader.optionalText(),
        additionalInfo: reader.optionalText(),
      },
      quantity,
      usageHour,
      subscriptionKey: asciiLower(subscriptionId),
      meterKey: asciiLower(meterId),
      resourceKey: resourceKey(resourceUri),
      digest,
    },
  };
};
