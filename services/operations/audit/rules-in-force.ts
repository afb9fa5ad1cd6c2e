import type { PublishedSchema } from '../../shared/avro/schema-directory.ts';
import { keyFingerprint, type Keyring } from '../../shared/model/control-record.ts';
import { FOLD_VERSION, parseRules, type Rules } from '../../shared/model/rules.ts';
import { partitionName, type SourcePartition } from '../../shared/model/source.ts';
import { UserError } from '../../shared/process/errors.ts';

/** The last rules in the log of a partition. */
export interface RulesInForce {
  readonly rules: Rules;
  /** The text in the log. */
  readonly text: string;
  readonly schemaIds: ReadonlySet<number>;
}

/**
 * What this process has of the things that rules name. Without them records would be judged by something
 * else.
 */
export interface KnownHere {
  readonly place: SourcePartition;
  readonly schemas: readonly PublishedSchema[];
  readonly keyring: Keyring;
}

/** @throws UserError if this version, its schemas or its keys are not those that the rules name */
export const rulesInForce = (
  text: string,
  { place, schemas, keyring }: KnownHere,
): RulesInForce => {
  const rules = parseRules(text);
  const name = partitionName(place);
  if (rules?.foldVersion !== FOLD_VERSION) {
    throw new UserError(
      `The rules of ${name} come from another version of the aggregator: audit it with that version`,
    );
  }
  for (const { id, fingerprint } of rules.schemas) {
    if (schemas.some((schema) => schema.id === id && schema.fingerprint === fingerprint)) continue;
    throw new UserError(
      `${name} accepts schema id ${String(id)}, but that id belongs to another schema here, or to none: use the ` +
        'schema directory of the process that wrote the rules',
    );
  }
  for (const { id, fingerprint } of rules.controlKeys) {
    if (keyring.some((key) => key.id === id && keyFingerprint(key) === fingerprint)) continue;
    throw new UserError(
      `Control records of ${name} may be signed by key "${id}", which is missing here: add it to USAGE_CONTROL_KEYS`,
    );
  }
  return { rules, text, schemaIds: new Set(rules.schemas.map(({ id }) => id)) };
};
