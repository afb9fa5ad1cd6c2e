import { randomUUID } from 'node:crypto';
import { mkdir, rm } from 'node:fs/promises';
import { Readable } from 'node:stream';
import { BodyReader, decoded, ENGINE_ENCODINGS, HEAD_BYTES, MAX_STATEMENT_BYTES } from './body.ts';
import { literal, type Engine, type Execution } from './engine.ts';
import { ClickHouseException, CODES } from './exception.ts';
import { isStreamed } from './formats.ts';
import type { QueryRequest } from './request.ts';
import { classify, hasSecondStatement, type Statement } from './statement.ts';

export interface Summary {
  readonly readRows: number;
  readonly readBytes: number;
  readonly writtenRows: number;
}

export type Answer =
  | {
      readonly kind: 'whole';
      readonly format: string;
      readonly bytes: Uint8Array;
      readonly summary: Summary;
    }
  | {
      readonly kind: 'stream';
      readonly format: string;
      readonly chunks: AsyncIterable<Uint8Array>;
    };

const NOTHING_DONE: Summary = { readRows: 0, readBytes: 0, writtenRows: 0 };

/**
 * Where request bodies wait for the engine, relative to the working directory: the engine would
 * take special characters in an absolute path for a pattern.
 */
export const SPOOL = 'spool';

const spoolPath = (): string => `${SPOOL}/${randomUUID()}`;

/** Removes what an earlier process left. Only for who holds the data directory. */
export const resetSpool = async (): Promise<void> => {
  await rm(SPOOL, { recursive: true, force: true });
  await mkdir(SPOOL);
};

const executionOf = (request: QueryRequest, sql: string): Execution => ({
  sql,
  format: request.defaultFormat,
  readonly: request.readonly,
  database: request.database,
  settings: request.settings,
  params: request.params,
});

/** Lets the engine decompress a body, within the bounds of a statement in memory. */
const decompressByEngine = async (
  engine: Engine,
  body: Readable,
  encoding: string,
): Promise<Readable> => {
  const path = spoolPath();
  await new BodyReader(body).spool(Buffer.alloc(0), path);
  try {
    const { bytes } = await engine.run({
      sql: `SELECT * FROM file(${literal(path)}, 'RawBLOB', 'data String', ${literal(encoding)})`,
      format: 'RawBLOB',
      readonly: '2',
      database: null,
      settings: {},
      params: {},
    });
    return Readable.from([Buffer.from(bytes)]);
  } finally {
    await rm(path, { force: true });
  }
};

const readableBody = (engine: Engine, body: Readable, encoding: string): Promise<Readable> =>
  ENGINE_ENCODINGS.has(encoding)
    ? decompressByEngine(engine, body, encoding)
    : Promise.resolve(decoded(body, encoding));

const runInsert = async (
  engine: Engine,
  request: QueryRequest,
  insert: Extract<Statement, { kind: 'insert' }>,
  data: { readonly start: Buffer; readonly reader: BodyReader },
): Promise<Answer> => {
  const path = spoolPath();
  await data.reader.spool(data.start, path);
  try {
    const sql = [
      insert.target,
      `FROM INFILE ${literal(path)} COMPRESSION 'none'`,
      insert.settings,
      `FORMAT ${insert.format}`,
    ].join(' ');
    const { bytes, rows } = await engine.run(executionOf(request, sql));
    return {
      kind: 'whole',
      format: request.defaultFormat,
      bytes,
      summary: { ...NOTHING_DONE, writtenRows: rows },
    };
  } finally {
    await rm(path, { force: true });
  }
};

const runRead = async (
  engine: Engine,
  request: QueryRequest,
  sql: string,
  format: string,
): Promise<Answer> => {
  const execution = {
    ...executionOf(request, sql),
    readonly: request.readonly === '0' ? ('2' as const) : request.readonly,
  };
  if (isStreamed(format) && !request.waitEndOfQuery) {
    return { kind: 'stream', format, chunks: engine.stream(execution) };
  }
  const { bytes, rows, bytesRead } = await engine.run(execution);
  return {
    kind: 'whole',
    format,
    bytes,
    summary: { readRows: rows, readBytes: bytesRead, writtenRows: 0 },
  };
};

const refuseWrite = (): never => {
  throw new ClickHouseException(
    CODES.READONLY,
    'Cannot execute query in readonly mode. For queries over HTTP, method GET implies readonly.',
  );
};

/**
 * Answers one request: the statement is the URL's query followed by the body. The data of an INSERT
 * go to a file first, so that a request that breaks off inserts nothing.
 * @throws ClickHouseException, or the engine's error
 */
export const answerQuery = async (
  engine: Engine,
  request: QueryRequest,
  body: Readable,
  encoding: string,
): Promise<Answer> => {
  const reader = new BodyReader(await readableBody(engine, body, encoding));
  const query = Buffer.from(request.query === '' ? '' : `${request.query}\n`);
  const head = await reader.fill(query, query.length + HEAD_BYTES);
  // Latin-1, so that a position in the text is a position in the bytes.
  const headText = head.toString('latin1');
  let statement = classify(headText);
  if (statement.kind === 'insert') {
    if (request.readonly !== '0') refuseWrite();
    const start = head.subarray(statement.dataStart);
    if (/^\s*;/.test(start.subarray(0, 64).toString('latin1')) && statement.format !== 'Values') {
      throw new ClickHouseException(CODES.SYNTAX_ERROR, 'A semicolon between FORMAT and the data.');
    }
    if (statement.format === 'Values' && head.length < query.length + HEAD_BYTES) {
      if (hasSecondStatement(start.toString('latin1'))) {
        throw new ClickHouseException(CODES.SYNTAX_ERROR, 'Multi-statements are not allowed.');
      }
    }
    const inUtf8 = (text: string): string => Buffer.from(text, 'latin1').toString('utf8');
    const insert = {
      ...statement,
      target: inUtf8(statement.target),
      settings: inUtf8(statement.settings),
    };
    return runInsert(engine, request, insert, { start, reader });
  }
  const whole = await reader.all(head);
  if (whole.length > head.length) statement = classify(whole.toString('latin1'));
  if (statement.kind === 'refused')
    throw new ClickHouseException(statement.code, statement.message);
  if (statement.kind === 'insert') {
    throw new ClickHouseException(
      CODES.QUERY_IS_TOO_LARGE,
      `The data of an INSERT begin after ${String(MAX_STATEMENT_BYTES)} bytes.`,
    );
  }
  const sql = whole.toString('utf8');
  if (statement.kind === 'read') {
    return runRead(engine, request, sql, statement.format ?? request.defaultFormat);
  }
  if (request.readonly !== '0') refuseWrite();
  const { bytes, rows, bytesRead } = await engine.run(executionOf(request, sql));
  return {
    kind: 'whole',
    format: request.defaultFormat,
    bytes,
    summary: { readRows: rows, readBytes: bytesRead, writtenRows: 0 },
  };
};
