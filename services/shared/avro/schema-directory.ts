import { createHash } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { z } from 'zod';
import { UserError, messageOf } from '../process/errors.ts';
import { inRepository } from '../process/repository.ts';

/** A published schema. Its file never changes. A change is a new version with a new id. */
export interface PublishedSchema {
  readonly id: number;
  readonly subject: string;
  readonly version: number;
  readonly file: string;
  /** SHA-256 of the schema's JSON, so that an id cannot change its schema unnoticed. */
  readonly fingerprint: string;
  readonly definition: object;
}

export const SCHEMA_DIRECTORY = inRepository('schemas/');

const indexSchema = z.array(
  z.strictObject({
    id: z.int().positive(),
    subject: z.string(),
    version: z.int().positive(),
    file: z.string(),
    fingerprint: z.string(),
  }),
);

const schemaFingerprint = (definition: object): string =>
  createHash('sha256').update(JSON.stringify(definition)).digest('hex');

/**
 * Reads the directory that is the schema registry: `index.json` and the files it names.
 * @throws UserError if a file is missing, unreadable, or does not match its fingerprint
 */
export const readSchemaDirectory = (
  directory: string = SCHEMA_DIRECTORY,
): readonly PublishedSchema[] => {
  const readJson = (file: string): unknown => {
    try {
      return JSON.parse(readFileSync(join(directory, file), 'utf8'));
    } catch (cause) {
      throw new UserError(`Schema registry: cannot read ${file}: ${messageOf(cause)}`, { cause });
    }
  };
  const index = indexSchema.safeParse(readJson('index.json'));
  if (!index.success) {
    throw new UserError(`Schema registry: index.json: ${z.prettifyError(index.error)}`);
  }
  return index.data.map((entry) => {
    const definition = z.looseObject({}).parse(readJson(entry.file));
    const fingerprint = schemaFingerprint(definition);
    if (fingerprint !== entry.fingerprint) {
      throw new UserError(
        `Schema registry: ${entry.file} is not the schema that was published as id ${String(entry.id)}; ` +
          'restore the file, and publish a change as a new version with a new id',
      );
    }
    return { ...entry, definition };
  });
};

/** The version of a subject in which new records are written. */
export const newestSchema = (
  schemas: readonly PublishedSchema[],
  subject: string,
): PublishedSchema => {
  const newest = schemas
    .filter((schema) => schema.subject === subject)
    .reduce<PublishedSchema | null>((a, b) => (a && a.version > b.version ? a : b), null);
  if (!newest) throw new UserError(`Schema registry: no schema is published under "${subject}"`);
  return newest;
};
