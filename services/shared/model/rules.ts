import { z } from 'zod';
import { DAY_MILLIS } from './time.ts';

/**
 * The rules by which a partition's records are classified (docs/design.md, "Rules in the log"). They are in
 * the log, in a `rules` control record, so that a restart, an upgrade or a zombie cannot classify a record
 * differently. Rules are the first record of every partition, and each later rules record has a higher
 * version.
 */
export interface Rules {
  /** Counts the rules records of a partition from 1; a record that does not raise it is refused. */
  readonly version: number;
  /** The version of the fold. It is raised whenever the same record would be classified differently. */
  readonly foldVersion: number;
  readonly hourMillis: number;
  /** Usage that started earlier than this before its reported time is dead-lettered. */
  readonly maxUsageAgeMillis: number;
  /** Lower-case resource namespaces that the topic serves; `['*']` stands for all. */
  readonly namespaces: readonly string[];
  /** Accepted Avro schema ids. The fingerprint says which schema the id had when it was accepted. */
  readonly schemas: readonly {
    readonly id: number;
    readonly fingerprint: string;
  }[];
  /** Keys that may sign control records, by id and fingerprint; never the keys themselves. */
  readonly controlKeys: readonly {
    readonly id: string;
    readonly fingerprint: string;
  }[];
}

/** The fold version of this code. It stays 1 until the first release. */
export const FOLD_VERSION = 1;

/** 45 days. */
export const DEFAULT_MAX_USAGE_AGE_MILLIS = 45 * DAY_MILLIS;

const named = { fingerprint: z.string() };
const rulesSchema = z.strictObject({
  version: z.int().positive(),
  foldVersion: z.int().positive(),
  hourMillis: z.int().min(1000).multipleOf(1000),
  maxUsageAgeMillis: z.int().positive(),
  namespaces: z.array(z.string()).min(1),
  schemas: z.array(z.strictObject({ id: z.int(), ...named })).min(1),
  controlKeys: z.array(z.strictObject({ id: z.string(), ...named })).min(1),
});

/** Reads the body of a rules record; null if the text is not one. */
export const parseRules = (text: string): Rules | null => {
  try {
    return rulesSchema.parse(JSON.parse(text));
  } catch {
    return null;
  }
};

export const serializeRules = (rules: Rules): string => JSON.stringify(rules);
