import { parseRequest } from './request.ts';

const parse = (
  search: string,
  { method = 'POST', headers = {} }: { method?: string; headers?: Record<string, string> } = {},
) => parseRequest(method, new URLSearchParams(search), headers);

test('a bare request has the defaults of ClickHouse', () => {
  expect(parse('')).toEqual({
    query: '',
    queryId: null,
    database: null,
    defaultFormat: 'TabSeparated',
    settings: {},
    params: {},
    readonly: '0',
    waitEndOfQuery: false,
    responseEncoding: null,
    compressedAnswer: false,
    compressedBody: false,
  });
});

test('the URL gives query, id, database, format and parameters; the rest are settings', () => {
  expect(
    parse(
      'query=SELECT+1&query_id=q&database=d&default_format=JSON&param_a=1%5Cn&max_threads=2&wait_end_of_query=1',
    ),
  ).toMatchObject({
    query: 'SELECT 1',
    queryId: 'q',
    database: 'd',
    defaultFormat: 'JSON',
    params: { a: '1\\n' },
    settings: { max_threads: '2' },
    waitEndOfQuery: true,
  });
});

test('headers give what the URL does not', () => {
  const headers = {
    'x-clickhouse-database': 'h',
    'x-clickhouse-format': 'CSV',
    'x-clickhouse-query-id': 'i',
  };
  expect(parse('', { headers })).toMatchObject({
    database: 'h',
    defaultFormat: 'CSV',
    queryId: 'i',
  });
  expect(parse('database=u&default_format=TSV&query_id=j', { headers })).toMatchObject({
    database: 'u',
    defaultFormat: 'TSV',
    queryId: 'j',
  });
});

test.each([
  ['GET', '', '2'],
  ['HEAD', '', '2'],
  ['POST', '', '0'],
  ['GET', 'readonly=0', '2'],
  ['GET', 'readonly=1', '1'],
  ['POST', 'readonly=1', '1'],
  ['POST', 'readonly=2', '2'],
  ['POST', 'readonly=0', '0'],
])('%s with %p has readonly %s', (method, search, readonly) => {
  expect(parse(search, { method }).readonly).toBe(readonly);
});

test('session, user and password are taken and change nothing', () => {
  expect(
    parse('session_id=s&session_timeout=60&session_check=0&user=u&password=p&quota_key=k').settings,
  ).toEqual({});
});

test.each(['role=r', 'profile=p'])('%s is refused', (search) => {
  expect(() => parse(search)).toThrow('does not support the parameter');
});

test('what is switched off is not refused, and is no setting', () => {
  expect(parse('compress=0&decompress=0&role=').settings).toEqual({});
});

test.each([
  ['enable_http_compression=1', 'gzip, deflate', 'gzip'],
  ['enable_http_compression=1', 'deflate, br', 'deflate'],
  ['enable_http_compression=1', 'BR;q=0.5', 'br'],
  ['enable_http_compression=1', 'gzip, lz4', 'lz4'],
  ['enable_http_compression=1', 'lz4;q=0, gzip;q=0.1', 'gzip'],
  ['enable_http_compression=1', 'identity, snappy', null],
  ['enable_http_compression=1', '', null],
  ['enable_http_compression=0', 'gzip', null],
  ['', 'gzip', null],
])('with %p and Accept-Encoding %p the answer comes in %p', (search, accepted, expected) => {
  const request = parse(search, { headers: { 'accept-encoding': accepted } });
  expect(request.responseEncoding).toBe(expected);
});

test('compress is for the answer, decompress for the body', () => {
  expect(parse('compress=1')).toMatchObject({ compressedAnswer: true, compressedBody: false });
  expect(parse('decompress=1')).toMatchObject({ compressedAnswer: false, compressedBody: true });
  expect(parse('compress=0&decompress=0')).toMatchObject({
    compressedAnswer: false,
    compressedBody: false,
  });
});
