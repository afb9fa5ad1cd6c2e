import { createHmac } from 'node:crypto';
import { z } from 'zod';
import {
  isSignature,
  type ControlKey,
  type Keyring,
  type RecordHeaders,
} from './control-record.ts';
import { partitionName, type SourcePartition } from './source.ts';
import { millis, type Millis } from './time.ts';

/**
 * A redriven dead letter keeps the time at which it was first reported, so that usage does not become too
 * old while a person looks at it. Providers write to the same topics and could gain by claiming an earlier
 * time, so the header is signed for this place and these bytes.
 */
export const REDRIVE_HEADERS = {
  origin: 'usage-redrive',
  key: 'usage-redrive-key',
  signature: 'usage-redrive-signature',
} as const;

/** The dead letter that is redriven. */
export interface RedriveOrigin extends SourcePartition {
  readonly offset: number;
  /** When the event first entered the usage system; the same through any number of redrives. */
  readonly reportedTime: Millis;
}

const originSchema = z.strictObject({
  topic: z.string().min(1),
  epoch: z.int().nonnegative(),
  partition: z.int().nonnegative(),
  offset: z.int().nonnegative(),
  reportedTime: z.int().nonnegative(),
});

const signatureOf = (at: SourcePartition, text: string, value: Uint8Array, key: ControlKey) =>
  createHmac('sha256', key.secret)
    .update(`redrive\n${key.id}\n${partitionName(at)}\n${text}\n`)
    .update(value)
    .digest();

/** The headers of a redriven record for the partition `at`, signed by the keyring's first key. */
export const redriveHeaders = (
  at: SourcePartition,
  origin: RedriveOrigin,
  value: Uint8Array | null,
  keyring: Keyring,
): RecordHeaders => {
  const [key] = keyring;
  const { topic, epoch, partition, offset, reportedTime } = origin;
  const text = JSON.stringify({ topic, epoch, partition, offset, reportedTime });
  return {
    [REDRIVE_HEADERS.origin]: text,
    [REDRIVE_HEADERS.key]: key.id,
    [REDRIVE_HEADERS.signature]: signatureOf(at, text, value ?? Buffer.alloc(0), key).toString(
      'hex',
    ),
  };
};

/** The id of the key that a redriven record names; null if it is not a redriven record. */
export const redriveKeyId = (headers: RecordHeaders): string | null =>
  headers[REDRIVE_HEADERS.origin] === undefined ? null : (headers[REDRIVE_HEADERS.key] ?? '');

/** Where the record comes from, if it was signed for this place and these bytes by this key. */
export const verifiedRedrive = (
  at: SourcePartition,
  headers: RecordHeaders,
  value: Uint8Array | null,
  key: ControlKey,
): RedriveOrigin | null => {
  const text = headers[REDRIVE_HEADERS.origin];
  if (text === undefined) return null;
  const expected = signatureOf(at, text, value ?? Buffer.alloc(0), key);
  return isSignature(headers[REDRIVE_HEADERS.signature], expected) ? parseOrigin(text) : null;
};

const parseOrigin = (text: string): RedriveOrigin | null => {
  try {
    const origin = originSchema.parse(JSON.parse(text));
    return { ...origin, reportedTime: millis(origin.reportedTime) };
  } catch {
    return null;
  }
};
