import { Readable } from 'node:stream';
import { finished } from 'node:stream/promises';
import {
  ClickHouseLogLevel,
  createClient,
  type ClickHouseClient,
  type ClickHouseSettings,
} from '@clickhouse/client';
import type { ClickHouseConfig } from '../process/config.ts';
import { messageOf, UserError } from '../process/errors.ts';
import { certificateAdvice, readCertificates } from '../process/trusted-certificates.ts';

/** On a cluster, makes sure that a reader sees the last writes. On a single server it changes nothing. */
export const SEQUENTIAL = { select_sequential_consistency: '1' } as const;

const STATEMENT_MILLIS = 60_000;
const CONNECTIONS = 10;

interface ClientOptions {
  /** After this long without a byte of its answer, a statement has failed. */
  readonly statementMillis?: number;
  /** So many statements at once; further ones wait. */
  readonly connections?: number;
}

/** @throws UserError if certificates are named that cannot be used */
const tlsOf = ({ CLICKHOUSE_URL: url, CLICKHOUSE_CA_FILE: path }: ClickHouseConfig) => {
  if (path === undefined) return {};
  if (!url.toLowerCase().startsWith('https:')) {
    throw new UserError(
      'The settings cannot be used. CLICKHOUSE_CA_FILE: has no effect unless CLICKHOUSE_URL begins with https',
    );
  }
  return { tls: { ca_cert: readCertificates(path, 'CLICKHOUSE_CA_FILE') } };
};

/**
 * The ClickHouse client. Inserts are synchronous: acknowledged means stored. Decimals are read as text, so
 * that no digit is lost. It connects with its first query.
 */
export const openClickHouse = (
  config: ClickHouseConfig,
  database: string = config.CLICKHOUSE_DATABASE,
  { statementMillis = STATEMENT_MILLIS, connections = CONNECTIONS }: ClientOptions = {},
): ClickHouseClient =>
  createClient({
    url: config.CLICKHOUSE_URL,
    username: config.CLICKHOUSE_USER,
    password: config.CLICKHOUSE_PASSWORD,
    ...tlsOf(config),
    database,
    application: 'usage-pipeline',
    request_timeout: statementMillis,
    max_open_connections: connections,
    // Failures are thrown and reported by whoever catches them; the client's own log lines would repeat
    // them.
    log: { level: ClickHouseLogLevel.OFF },
    clickhouse_settings: {
      async_insert: 0,
      output_format_json_quote_decimals: 1,
      // One insert may cover every month of a long history: in a rebuild, or in the bridge after a backlog.
      max_partitions_per_insert_block: '0',
    },
  });

/**
 * Makes sure that ClickHouse answers and accepts this user.
 * @throws UserError that says what to do
 */
export const checkClickHouse = async (
  client: ClickHouseClient,
  { CLICKHOUSE_URL: url, CLICKHOUSE_USER: user }: ClickHouseConfig,
): Promise<void> => {
  const answer = await client.ping({ select: true });
  if (answer.success) return;
  const { error } = answer;
  const code = 'code' in error ? String(error.code) : '';
  if (code === REFUSED_LOGIN) {
    throw new UserError(
      `ClickHouse at ${url} refuses user "${user}": set CLICKHOUSE_USER, and CLICKHOUSE_PASSWORD or CLICKHOUSE_PASSWORD_FILE`,
      { cause: error },
    );
  }
  if (code === NO_DATABASE) {
    throw new UserError(
      `ClickHouse at ${url} has no such database: create it with "npx usagectl migrate", or set CLICKHOUSE_DATABASE`,
      { cause: error },
    );
  }
  const advice = certificateAdvice(code, 'CLICKHOUSE_CA_FILE');
  if (advice !== null) {
    throw new UserError(`ClickHouse at ${url} is not trusted, ${advice}`, { cause: error });
  }
  throw new UserError(
    `ClickHouse at ${url} cannot be reached: start it with "npm start", or set CLICKHOUSE_URL (${messageOf(error) || code})`,
    { cause: error },
  );
};

/** AUTHENTICATION_FAILED and UNKNOWN_DATABASE of ClickHouse's `ErrorCodes.cpp`. */
const REFUSED_LOGIN = '516';
const NO_DATABASE = '81';

/** Whether a statement has failed because ClickHouse was silent for too long. The client says so in these words alone. */
export const isSilence = (error: unknown): boolean =>
  error instanceof Error && error.message === 'Timeout error.';

/** The rows of a query. Its parameters are bound by ClickHouse: `{name:Type}`. */
export const queryRows = async <Row>(
  client: ClickHouseClient,
  query: string,
  params: Readonly<Record<string, unknown>> = {},
  settings: ClickHouseSettings = {},
): Promise<readonly Row[]> => {
  const result = await client.query({
    query,
    query_params: { ...params },
    format: 'JSONEachRow',
    clickhouse_settings: { ...SEQUENTIAL, ...settings },
  });
  return result.json<Row>();
};

export interface InsertOptions {
  /**
   * If columns of the table are computed from columns that are not stored (`EPHEMERAL`), the insert must
   * name the given columns: the same ones in every row.
   */
  readonly namesColumns?: boolean;
  /**
   * Whether a row may be very large: the engine refuses a row of 100 MiB if it reads rows in parallel.
   */
  readonly large?: boolean;
}

/** Small arrays of bytes are put together, because each one that is sent costs a call of the system. */
const PIECE_BYTES = 64 * 1024;

/** The same bytes in pieces that are not small, except the last one of a row of small ones. */
export function* inPieces(arrays: readonly Uint8Array[]): Generator<Uint8Array> {
  let small: Uint8Array[] = [];
  let bytes = 0;
  for (const array of arrays) {
    if (array.length < PIECE_BYTES) {
      small.push(array);
      bytes += array.length;
      if (bytes < PIECE_BYTES) continue;
    }
    if (small.length > 0) yield Buffer.concat(small);
    small = [];
    bytes = 0;
    if (array.length >= PIECE_BYTES) yield array;
  }
  if (small.length > 0) yield Buffer.concat(small);
}

/** Inserts blocks in the Native format; together they are one block. */
export const insertPacked = async (
  client: ClickHouseClient,
  table: string,
  columns: readonly string[],
  blocks: readonly Uint8Array[],
): Promise<void> => {
  const { stream } = await client.exec({
    query: `INSERT INTO ${table} (${columns.join(', ')}) FORMAT Native`,
    values: Readable.from(inPieces(blocks), { objectMode: false }),
    // Rows that replace one another are merged later, as those of other inserts are.
    clickhouse_settings: { optimize_on_insert: 0 },
  });
  stream.resume(); // the answer to an INSERT is empty, but must be read to free the connection
  await finished(stream);
};

/** Inserts rows as one block. */
export const insertRows = async (
  client: ClickHouseClient,
  table: string,
  rows: readonly Readonly<Record<string, unknown>>[],
  { namesColumns = false, large = false }: InsertOptions = {},
): Promise<void> => {
  const [first] = rows;
  if (first === undefined) return;
  const columns = Object.keys(first) as [string, ...string[]];
  await client.insert({
    table,
    values: [...rows],
    format: 'JSONEachRow',
    ...(namesColumns && { columns }),
    ...(large && { clickhouse_settings: { input_format_parallel_parsing: 0 } }),
  });
};
