import { chooseEncoding } from './encoding/response-encoding.ts';
import { ClickHouseException, CODES } from './exception.ts';

/** The parts of a request in its URL and headers. */
export interface QueryRequest {
  /** From the URL. The body, if any, continues it. */
  readonly query: string;
  readonly queryId: string | null;
  readonly database: string | null;
  /** Used if the statement has no FORMAT clause. */
  readonly defaultFormat: string;
  readonly settings: Readonly<Record<string, string>>;
  /** Of `{name:Type}`, as the URL has them: escaped as in a TabSeparated field. */
  readonly params: Readonly<Record<string, string>>;
  /** The value of the setting `readonly`: 0, or what GET and the client ask for. */
  readonly readonly: '0' | '1' | '2';
  readonly waitEndOfQuery: boolean;
  /** Of the answer, a Content-Encoding; null for none. */
  readonly responseEncoding: string | null;
  /** Whether the answer comes in ClickHouse's own compressed blocks, and whether the body does. */
  readonly compressedAnswer: boolean;
  readonly compressedBody: boolean;
}

/** URL parameters that are not settings and have no effect here. */
const IGNORED = new Set([
  'buffer_size',
  'client_protocol_version',
  'close_session',
  'compress',
  'decompress',
  'http_wait_end_of_query',
  'password',
  'quota_key',
  'session_check',
  'session_id',
  'session_timeout',
  'stacktrace',
  'user',
]);

const OWN = new Set([
  'query',
  'query_id',
  'database',
  'default_format',
  'readonly',
  'wait_end_of_query',
]);

/** URL parameters that ask for something this server does not have, unless they are switched off. */
const REFUSED: ReadonlyMap<string, string> = new Map([
  ['role', 'roles'],
  ['profile', 'settings profiles'],
]);

const isOn = (value: string | null | undefined): boolean =>
  value !== null && value !== undefined && !['', '0', 'false'].includes(value.toLowerCase());

const readonlyOf = (method: string, value: string | null): QueryRequest['readonly'] => {
  if (value === '1' || value === '2') return value;
  return method === 'POST' ? '0' : '2';
};

const headerOf = (headers: Readonly<Record<string, unknown>>, name: string): string | null => {
  const value = headers[name];
  return typeof value === 'string' ? value : null;
};

/**
 * Reads the URL parameters and headers of https://clickhouse.com/docs/interfaces/http; `user` and
 * `password` are for `authentication.ts`.
 * @throws ClickHouseException for what cannot be honoured
 */
export const parseRequest = (
  method: string,
  search: URLSearchParams,
  headers: Readonly<Record<string, unknown>>,
): QueryRequest => {
  const settings: Record<string, string> = {};
  const params: Record<string, string> = {};
  for (const [name, value] of search) {
    const refusal = REFUSED.get(name);
    if (refusal !== undefined && isOn(value)) {
      throw new ClickHouseException(
        CODES.NOT_IMPLEMENTED,
        `The local ClickHouse does not support the parameter "${name}": ${refusal}.`,
      );
    }
    if (name.startsWith('param_')) params[name.slice('param_'.length)] = value;
    else if (!OWN.has(name) && !IGNORED.has(name) && refusal === undefined) settings[name] = value;
  }
  return {
    query: search.get('query') ?? '',
    queryId: search.get('query_id') ?? headerOf(headers, 'x-clickhouse-query-id'),
    database: (search.get('database') ?? headerOf(headers, 'x-clickhouse-database')) || null,
    defaultFormat:
      (search.get('default_format') ?? headerOf(headers, 'x-clickhouse-format')) || 'TabSeparated',
    settings,
    params,
    readonly: readonlyOf(method, search.get('readonly')),
    waitEndOfQuery: isOn(search.get('wait_end_of_query')),
    responseEncoding: isOn(search.get('enable_http_compression'))
      ? chooseEncoding(headerOf(headers, 'accept-encoding') ?? '')
      : null,
    compressedAnswer: isOn(search.get('compress')),
    compressedBody: isOn(search.get('decompress')),
  };
};
