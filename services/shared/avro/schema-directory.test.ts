import { cpSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { UserError } from '../process/errors.ts';
import {
  newestSchema,
  readSchemaDirectory,
  SCHEMA_DIRECTORY,
  type PublishedSchema,
} from './schema-directory.ts';

let directory: string;

beforeEach(() => {
  directory = mkdtempSync(join(tmpdir(), 'schemas-'));
  cpSync(SCHEMA_DIRECTORY, directory, { recursive: true });
});

afterEach(() => {
  rmSync(directory, { recursive: true, force: true });
});

const change = (file: string, edit: (text: string) => string): void => {
  const path = join(directory, file);
  writeFileSync(path, edit(readFileSync(path, 'utf8')));
};

test('the published schemas are read, each id once', () => {
  const schemas = readSchemaDirectory(directory);
  expect(schemas).toEqual(readSchemaDirectory());
  expect(new Set(schemas.map(({ id }) => id)).size).toBe(schemas.length);
});

test('a schema that was changed after it was published is refused', () => {
  change('usage-event.v1.avsc', (text) => text.replace('"scale": 30', '"scale": 31'));
  expect(() => readSchemaDirectory(directory)).toThrow(UserError);
  expect(() => readSchemaDirectory(directory)).toThrow(
    'usage-event.v1.avsc is not the schema that was published',
  );
});

test('a schema that was only laid out anew is the same', () => {
  change('usage-event.v1.avsc', (text) => JSON.stringify(JSON.parse(text)));
  expect(readSchemaDirectory(directory)).toEqual(readSchemaDirectory());
});

test.each([
  ['a missing file', () => rmSync(join(directory, 'usage-event.v1.avsc'))],
  ['no JSON', () => change('usage-event.v1.avsc', () => '{')],
  ['an index that is none', () => change('index.json', () => '{}')],
  [
    'an index with a field too many',
    () => change('index.json', (text) => text.replace('"id"', '"x": 1, "id"')),
  ],
])('%s is refused in one clear line', (_, spoil) => {
  spoil();
  expect(() => readSchemaDirectory(directory)).toThrow(UserError);
  expect(() => readSchemaDirectory(directory)).toThrow(/^Schema registry: /);
});

test('new records are written in the newest version, by number and not by place', () => {
  const version = (id: number, subject: string, number: number): PublishedSchema => ({
    id,
    subject,
    version: number,
    file: '',
    fingerprint: '',
    definition: {},
  });
  const schemas = [
    version(1, 'a', 1),
    version(9, 'a', 10),
    version(3, 'a', 9),
    version(4, 'b', 11),
  ];
  expect(newestSchema(schemas, 'a').id).toBe(9);
  expect(() => newestSchema(schemas, 'c')).toThrow('no schema is published under "c"');
});
