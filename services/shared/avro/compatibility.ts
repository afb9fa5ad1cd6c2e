import avro from 'avsc';
import { messageOf } from '../process/errors.ts';
import type { PublishedSchema } from './schema-directory.ts';

/** Why a version cannot read what an earlier one of its subject wrote. */
export interface Incompatibility {
  readonly subject: string;
  readonly version: number;
  readonly earlier: number;
  readonly problem: string;
}

const typeOf = ({ definition }: PublishedSchema): avro.Type =>
  avro.Type.forSchema(definition as avro.Schema, { registry: {} });

/**
 * Every version must read the records of all versions before it: they are in the log for as long
 * as it is kept ("backward transitive" in the words of Confluent's registry).
 */
export const incompatibilities = (
  schemas: readonly PublishedSchema[],
): readonly Incompatibility[] =>
  schemas.flatMap((reader) =>
    schemas
      .filter(({ subject, version }) => subject === reader.subject && version < reader.version)
      .flatMap((writer) => {
        const problem = cannotRead(reader, writer);
        const { subject, version } = reader;
        return problem === null ? [] : [{ subject, version, earlier: writer.version, problem }];
      }),
  );

const cannotRead = (reader: PublishedSchema, writer: PublishedSchema): string | null => {
  try {
    typeOf(reader).createResolver(typeOf(writer));
    return null;
  } catch (error) {
    return messageOf(error);
  }
};

/** Ids and versions that stand more than once in the registry, in words. */
export const repeated = (schemas: readonly PublishedSchema[]): readonly string[] => {
  const names = schemas.flatMap(({ id, subject, version }) => [
    `id ${String(id)}`,
    `version ${String(version)} of ${subject}`,
  ]);
  return [...new Set(names.filter((name, at) => names.indexOf(name) !== at))];
};
