/**
 * The Confluent wire format: byte 0, the schema id as four big-endian bytes, then the Avro datum.
 * Source: Confluent Schema Registry documentation, "Wire format".
 */
const HEADER_BYTES = 5;

export const frame = (schemaId: number, datum: Uint8Array): Buffer => {
  const bytes = Buffer.allocUnsafe(HEADER_BYTES + datum.length);
  bytes[0] = 0;
  bytes.writeUInt32BE(schemaId, 1);
  bytes.set(datum, HEADER_BYTES);
  return bytes;
};

/** Null if the bytes are not in the wire format. */
export const unframe = (bytes: Buffer): { schemaId: number; datum: Buffer } | null =>
  bytes.length < HEADER_BYTES || bytes[0] !== 0
    ? null
    : { schemaId: bytes.readUInt32BE(1), datum: bytes.subarray(HEADER_BYTES) };
