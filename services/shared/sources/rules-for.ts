import type { PublishedSchema } from '../avro/schema-directory.ts';
import { USAGE_EVENT_SUBJECT } from '../avro/usage-event-codec.ts';
import { keyFingerprint, type Keyring } from '../model/control-record.ts';
import { DEFAULT_MAX_USAGE_AGE_MILLIS, FOLD_VERSION, type Rules } from '../model/rules.ts';
import type { Source } from '../model/source.ts';

/** The rules by which this process would classify a source's records: its code, schemas and keys. */
export const rulesFor = (
  source: Source,
  version: number,
  schemas: readonly PublishedSchema[],
  keyring: Keyring,
): Rules => ({
  version,
  foldVersion: FOLD_VERSION,
  hourMillis: source.hourMillis,
  maxUsageAgeMillis: DEFAULT_MAX_USAGE_AGE_MILLIS,
  namespaces: [...source.namespaces],
  schemas: schemas
    .filter(({ subject }) => subject === USAGE_EVENT_SUBJECT)
    .map(({ id, fingerprint }) => ({ id, fingerprint })),
  controlKeys: keyring.map((key) => ({ id: key.id, fingerprint: keyFingerprint(key) })),
});
