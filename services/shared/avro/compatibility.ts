import avro from 'avsc';
import { messageOf } from '../process/errors.ts';
import type { PublishedSchema } from './schema-directory.ts';

/** Why a version cannot read the records of an earlier version of its subject. */
export interface Incompatibility {
  readonly subject: string;
  readonly version: number;
  readonly earlier: number;
  readonly problem: string;
}

const typeOf = ({ definition }: PublishedSchema): avro.Type =>
  avro.Type.forSchema(definition as avro.Schema, { registry: {} });

/**
 * Every version must be able to read the records of all earlier versions, because they stay in the log as
 * long as it is kept. Confluent's registry calls this "backward transitive".
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

/** Ids and versions that occur more than once in the registry, in words. */
export const repeated = (schemas: readonly PublishedSchema[]): readonly string[] => {
  const names = schemas.flatMap(({ id, subject, version }) => [
    `id ${String(id)}`,
    `version ${String(version)} of ${subject}`,
  ]);
  return [...new Set(names.filter((name, at) => names.indexOf(name) !== at))];
};
