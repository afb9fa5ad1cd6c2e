import { incompatibilities, repeated } from './compatibility.ts';
import { readSchemaDirectory, type PublishedSchema } from './schema-directory.ts';

const published = (version: number, fields: readonly object[]): PublishedSchema => ({
  id: version,
  subject: 'thing',
  version,
  file: `thing.v${String(version)}.avsc`,
  fingerprint: '',
  definition: { type: 'record', name: 'Thing', fields },
});

const NAME = { name: 'name', type: 'string' };

test('the schemas of this repository read all their earlier versions', () => {
  expect(incompatibilities(readSchemaDirectory())).toEqual([]);
  expect(repeated(readSchemaDirectory())).toEqual([]);
});

test('a new field needs a default', () => {
  const withoutDefault = published(2, [NAME, { name: 'size', type: 'int' }]);
  expect(incompatibilities([published(1, [NAME]), withoutDefault])).toMatchObject([
    { subject: 'thing', version: 2, earlier: 1 },
  ]);
  const withDefault = published(2, [NAME, { name: 'size', type: 'int', default: 0 }]);
  expect(incompatibilities([published(1, [NAME]), withDefault])).toEqual([]);
});

test('a version is held against all before it, not only the last', () => {
  const first = published(1, [NAME]);
  const second = published(2, [NAME, { name: 'size', type: 'int', default: 0 }]);
  const third = published(3, [NAME, { name: 'size', type: 'int' }]);
  expect(incompatibilities([first, second, third])).toMatchObject([{ version: 3, earlier: 1 }]);
});

test('an id or a version that is taken twice is named', () => {
  const one = published(1, [NAME]);
  expect(repeated([one, { ...one, version: 2 }])).toEqual(['id 1']);
  expect(repeated([one, { ...one, id: 2 }])).toEqual(['version 1 of thing']);
});
