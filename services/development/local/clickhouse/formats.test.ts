import { comesInPieces, contentType } from './formats.ts';

const plain = { sql: 'SELECT 1', settings: {} };

test.each(['TabSeparated', 'JSONEachRow', 'RowBinary', 'Native', 'CSV'])(
  '%s comes in pieces',
  (format) => {
    expect(comesInPieces(format, plain)).toBe(true);
  },
);

test.each(['JSON', 'TabSeparatedWithNames', 'CSVWithNames', 'Avro', 'Parquet', 'Pretty', 'XML'])(
  '%s, which has a head, a foot or state, does not',
  (format) => {
    expect(comesInPieces(format, plain)).toBe(false);
  },
);

test('JSONEachRow as one array does not', () => {
  const name = 'output_format_json_array_of_rows';
  expect(comesInPieces('JSONEachRow', { ...plain, settings: { [name]: '1' } })).toBe(false);
  const sql = `SELECT 1 SETTINGS ${name} = 1`;
  expect(comesInPieces('JSONEachRow', { ...plain, sql })).toBe(false);
});

test.each([
  ['JSON', 'application/json; charset=UTF-8'],
  ['JSONEachRow', 'application/x-ndjson; charset=UTF-8'],
  ['JSONCompactEachRowWithNames', 'application/x-ndjson; charset=UTF-8'],
  ['TSVWithNames', 'text/tab-separated-values; charset=UTF-8'],
  ['CSV', 'text/csv; charset=UTF-8'],
  ['PrettyCompact', 'text/plain; charset=UTF-8'],
  ['XML', 'application/xml; charset=UTF-8'],
  ['RowBinary', 'application/octet-stream'],
  ['Parquet', 'application/octet-stream'],
])('%s is sent as %s', (format, type) => {
  expect(contentType(format)).toBe(type);
});
