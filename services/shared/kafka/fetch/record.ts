import { ByteReader } from './byte-reader.ts';

/** Several values of one name become a list, as with kafkajs. */
type Headers = Readonly<Record<string, Buffer | null | readonly (Buffer | null)[]>>;

/** What a batch says of all its records. */
export interface BatchContext {
  readonly firstOffset: number;
  readonly producerId: string;
  readonly inTransaction: boolean;
}

/** A record as kafkajs expects it from the decoder that this one stands in for. */
export interface FetchedRecord {
  readonly magicByte: 2;
  readonly attributes: number;
  readonly offset: string;
  readonly timestamp: string;
  readonly key: Buffer | null;
  readonly value: Buffer | null;
  readonly headers: Headers;
  /** It ends a transaction, and is not given to anybody. */
  readonly isControlRecord: boolean;
  readonly batchContext: BatchContext;
}

export interface Batch {
  readonly context: BatchContext;
  readonly lastOffsetDelta: number;
  readonly firstTimestamp: bigint;
  /** Of all its records, where the broker's clock counts; null where each has its own. */
  readonly appendTime: bigint | null;
  readonly isControl: boolean;
  readonly count: number;
}

/**
 * The records of a batch, which must be as many as it says and fill its bytes.
 * @throws RangeError where they do not
 */
export const readRecords = (bytes: Buffer, batch: Batch): FetchedRecord[] => {
  const reader = new ByteReader(bytes);
  const records: FetchedRecord[] = [];
  // A broker does not look at what each record says of its offset, only at how many there are: where no
  // offset is left out, they stand one after the other. Or a producer could halt all behind its batch.
  const isDense = batch.count === batch.lastOffsetDelta + 1;
  let lastDelta = -1;
  for (let n = 0; n < batch.count; n++) {
    const length = reader.varint();
    const end = reader.at + length;
    const attributes = reader.byte();
    const timestampDelta = reader.varlong();
    const said = reader.varint();
    const offsetDelta = isDense ? n : said;
    if (offsetDelta <= lastDelta || offsetDelta > batch.lastOffsetDelta) {
      throw new RangeError('its records are out of order');
    }
    lastDelta = offsetDelta;
    records.push({
      magicByte: 2,
      attributes,
      offset: String(batch.context.firstOffset + offsetDelta),
      timestamp: String(batch.appendTime ?? batch.firstTimestamp + timestampDelta),
      key: reader.lengthAndBytes(),
      value: reader.lengthAndBytes(),
      headers: readHeaders(reader),
      isControlRecord: batch.isControl,
      batchContext: batch.context,
    });
    if (reader.at !== end) throw new RangeError('a record is not as long as it says');
  }
  if (!reader.isAtEnd) throw new RangeError('something follows its last record');
  return records;
};

const readHeaders = (reader: ByteReader): Headers => {
  const count = reader.varint();
  if (count < 0) throw new RangeError('a record has less than no headers');
  if (count === 0) return {};
  const headers = new Map<string, Headers[string]>();
  for (let n = 0; n < count; n++) {
    const name = reader.lengthAndBytes()?.toString('utf8');
    if (name === undefined) throw new RangeError('a header has no name');
    const value = reader.lengthAndBytes();
    const before = headers.get(name);
    headers.set(name, before === undefined ? value : [before, value].flat());
  }
  return Object.fromEntries(headers);
};
