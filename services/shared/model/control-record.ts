import { createHash, createHmac, timingSafeEqual } from 'node:crypto';
import { partitionName, type SourcePartition } from './source.ts';

/**
 * Control records share topics with usage, and providers may write there. So each one is signed for its
 * place (topic, epoch, partition), and an unsigned one is dead-lettered as forged. Published parts of hours are
 * signed as well, because anybody who may write to their topic must not decide what is billed.
 */
export type ControlKind = 'rules' | 'tick' | 'end' | 'floor' | 'closed' | 'carry' | 'moved';

export const CONTROL_HEADER = 'usage-control';
const KEY_HEADER = 'usage-control-key';
const SIGNATURE_HEADER = 'usage-control-signature';

/** A signing key: its id travels in the record, its secret in the environment. */
export interface ControlKey {
  readonly id: string;
  readonly secret: Buffer;
}

/** The first key signs; all keys verify. */
export type Keyring = readonly [ControlKey, ...ControlKey[]];

/**
 * The kind under which parts of hours are signed. They are not control records and have no header for the kind.
 */
const HOUR_PART = 'hour-part';

export type RecordHeaders = Readonly<Record<string, string>>;

export interface ControlRecord {
  readonly key: null;
  readonly value: Buffer;
  readonly headers: RecordHeaders;
}

export const keyFingerprint = (key: ControlKey): string =>
  createHash('sha256').update(key.id).update('\n').update(key.secret).digest('hex').slice(0, 16);

/** What signs these bytes for this place as a record of this kind. */
export const signatureOf = (
  kind: string,
  at: SourcePartition,
  value: Uint8Array,
  key: ControlKey,
): Buffer =>
  createHmac('sha256', key.secret)
    .update(`${kind}\n${key.id}\n${partitionName(at)}\n`)
    .update(value)
    .digest();

const signatureHeaders = (
  kind: string,
  at: SourcePartition,
  value: Uint8Array,
  [key]: Keyring,
): RecordHeaders => ({
  [KEY_HEADER]: key.id,
  [SIGNATURE_HEADER]: signatureOf(kind, at, value, key).toString('hex'),
});

/** The headers of a part of an hour of a source partition, signed by the keyring's first key. */
export const hourPartHeaders = (
  at: SourcePartition,
  value: Uint8Array,
  keyring: Keyring,
): RecordHeaders => signatureHeaders(HOUR_PART, at, value, keyring);

/** A control record for one partition, signed by the keyring's first key. */
export const controlRecord = (
  kind: ControlKind,
  at: SourcePartition,
  body: string,
  keyring: Keyring,
): ControlRecord => {
  const value = Buffer.from(body, 'utf8');
  return {
    key: null,
    value,
    headers: { [CONTROL_HEADER]: kind, ...signatureHeaders(kind, at, value, keyring) },
  };
};

export const controlKeyId = (headers: RecordHeaders): string => headers[KEY_HEADER] ?? '';

/** Whether the record, a control record or a part of an hour, was signed for this place by this key. */
export const isSignedFor = (
  at: SourcePartition,
  headers: RecordHeaders,
  value: Uint8Array | null,
  key: ControlKey,
): boolean => {
  const kind = headers[CONTROL_HEADER] ?? HOUR_PART;
  const expected = signatureOf(kind, at, value ?? Buffer.alloc(0), key);
  return isSignature(headers[SIGNATURE_HEADER], expected);
};

/** Whether a header, in hexadecimal, is the signature that is expected. */
export const isSignature = (header: string | undefined, expected: Buffer): boolean => {
  const given = Buffer.from(header ?? '', 'hex');
  return given.length === expected.length && timingSafeEqual(given, expected);
};
