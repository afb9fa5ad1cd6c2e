import {
  isSignature,
  signatureOf,
  type ControlKey,
  type Keyring,
  type RecordHeaders,
} from './control-record.ts';
import type { SourcePartition } from './source.ts';

/**
 * An adjustment is an event by a person, which corrects usage that was reported wrongly. Its quantity may be
 * below zero, and its usage may be older than what providers may report. They write to the same topics, so
 * its record is signed for its place and its bytes. Without a valid signature it is an event like any other.
 */
const ADJUSTMENT_HEADERS = {
  key: 'usage-adjustment-key',
  signature: 'usage-adjustment-signature',
} as const;

const KIND = 'adjustment';

/** The headers of an adjustment for the partition `at`, signed by the keyring's first key. */
export const adjustmentHeaders = (
  at: SourcePartition,
  value: Uint8Array,
  [key]: Keyring,
): RecordHeaders => ({
  [ADJUSTMENT_HEADERS.key]: key.id,
  [ADJUSTMENT_HEADERS.signature]: signatureOf(KIND, at, value, key).toString('hex'),
});

/** The id of the key that an adjustment names; null if the record does not claim to be one. */
export const adjustmentKeyId = (headers: RecordHeaders): string | null =>
  headers[ADJUSTMENT_HEADERS.key] ?? null;

/** Whether the record was signed as an adjustment for this place by this key. */
export const isAdjustmentFor = (
  at: SourcePartition,
  headers: RecordHeaders,
  value: Uint8Array | null,
  key: ControlKey,
): boolean =>
  isSignature(
    headers[ADJUSTMENT_HEADERS.signature],
    signatureOf(KIND, at, value ?? Buffer.alloc(0), key),
  );
