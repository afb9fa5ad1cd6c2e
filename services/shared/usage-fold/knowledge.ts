import type { PublishedSchema } from '../avro/schema-directory.ts';
import {
  plainSchemas,
  usageEventDecoders,
  type UsageEventDecoder,
} from '../avro/usage-event-codec.ts';
import { keyFingerprint, type ControlKey, type Keyring } from '../model/control-record.ts';
import { FOLD_VERSION, type Rules } from '../model/rules.ts';
import type { Halt } from './halt.ts';

/**
 * What this process is able to apply: its schemas and keys. It decides nothing by itself: the rules in the
 * log decide, and a process that cannot apply them halts.
 */
export interface Knowledge {
  readonly decoders: ReadonlyMap<number, UsageEventDecoder>;
  /** By schema id. */
  readonly fingerprints: ReadonlyMap<number, string>;
  /** The schemas whose layout `packed/event-layout.ts` can read, by id: how many attributes each has. */
  readonly plainSchemas: ReadonlyMap<number, number>;
  readonly keyring: Keyring;
}

export const knowledgeOf = (schemas: readonly PublishedSchema[], keyring: Keyring): Knowledge => ({
  decoders: usageEventDecoders(schemas),
  fingerprints: new Map(schemas.map(({ id, fingerprint }) => [id, fingerprint])),
  plainSchemas: plainSchemas(schemas),
  keyring,
});

/**
 * Whether two processes, or one process before and after it has read them again, have the same schemas.
 */
export const hasSameSchemas = (a: Knowledge, b: Knowledge): boolean =>
  a.fingerprints.size === b.fingerprints.size &&
  [...a.fingerprints].every(([id, fingerprint]) => b.fingerprints.get(id) === fingerprint);

/** The rules in force, prepared for look-ups. */
export interface ActiveRules {
  readonly rules: Rules;
  /** The text of the rules in the log. */
  readonly text: string;
  readonly schemaIds: ReadonlySet<number>;
  readonly controlKeyIds: ReadonlySet<string>;
  /** Null if every namespace is served. */
  readonly namespaces: ReadonlySet<string> | null;
}

export const activate = (rules: Rules, text: string): ActiveRules => ({
  rules,
  text,
  schemaIds: new Set(rules.schemas.map((schema) => schema.id)),
  controlKeyIds: new Set(rules.controlKeys.map((key) => key.id)),
  namespaces: rules.namespaces.includes('*') ? null : new Set(rules.namespaces),
});

export const findKey = (knowledge: Knowledge, id: string): ControlKey | null =>
  knowledge.keyring.find((key) => key.id === id) ?? null;

/** The key of this id, if the rules in force accept it and this process has it. */
export const acceptedKey = (
  { controlKeyIds }: ActiveRules,
  knowledge: Knowledge,
  id: string | null,
): ControlKey | null => (id !== null && controlKeyIds.has(id) ? findKey(knowledge, id) : null);

/** Why this process cannot classify by these rules; null if it can. */
export const cannotApply = (rules: Rules, knowledge: Knowledge): Halt | null => {
  if (rules.foldVersion !== FOLD_VERSION) {
    return unknownRules(
      `fold version ${String(rules.foldVersion)} is in force and this process has ${String(FOLD_VERSION)}: ` +
        'run the version of the aggregator that the rules name',
    );
  }
  const schema = rules.schemas.find(
    ({ id, fingerprint }) => knowledge.fingerprints.get(id) !== fingerprint,
  );
  if (schema) {
    return unknownRules(
      `schema id ${String(schema.id)} is accepted and this process does not have it with fingerprint ` +
        `${schema.fingerprint.slice(0, 12)}…: give it the schema directory of the process that wrote the rules`,
    );
  }
  const missing = rules.controlKeys.find(({ id, fingerprint }) => {
    const key = findKey(knowledge, id);
    return key === null || keyFingerprint(key) !== fingerprint;
  });
  if (missing) {
    return unknownRules(
      `control records may be signed by key "${missing.id}" (fingerprint ${missing.fingerprint}) and this ` +
        'process does not have it: add it to USAGE_CONTROL_KEYS',
    );
  }
  return null;
};

const unknownRules = (message: string): Halt => ({
  code: 'unknown-rules',
  message,
});
