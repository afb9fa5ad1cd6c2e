import { Readable } from 'node:stream';
import { BodyReader, decoded, ENGINE_ENCODINGS, HEAD_BYTES } from './body.ts';
import { fromBlocks } from './encoding/blocks.ts';
import type { Engine, Execution } from './engine.ts';
import { literal } from './engine.ts';
import { ClickHouseException, CODES } from './exception.ts';
import { guard, guardValues, type Refusal } from './guard.ts';
import { comesInPieces } from './formats.ts';
import type { QueryRequest } from './request.ts';
import { withSpooled } from './spool.ts';
import { classify, hasSecondStatement, type DataInsert, type Statement } from './statement.ts';

export interface Summary {
  readonly resultRows: number;
  readonly resultBytes: number;
  /** Of an INSERT with data; the engine does not tell it of INSERT … SELECT. */
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
      readonly chunks: AsyncGenerator<Uint8Array, void>;
    };

const executionOf = (request: QueryRequest, sql: string): Execution => ({
  sql,
  format: request.defaultFormat,
  readonly: request.readonly,
  database: request.database,
  settings: request.settings,
  params: request.params,
});

/** Lets the engine decompress a body, which is then entirely in memory. */
const decompressByEngine = (engine: Engine, body: Readable, encoding: string): Promise<Readable> =>
  withSpooled(new BodyReader(body).rest(Buffer.alloc(0)), async (path) =>
    Readable.from([Buffer.from(await engine.decompress(path, encoding))]),
  );

const readableBody = async (
  engine: Engine,
  { compressedBody }: QueryRequest,
  body: Readable,
  encoding: string,
): Promise<Readable> => {
  const plain = ENGINE_ENCODINGS.has(encoding)
    ? await decompressByEngine(engine, body, encoding)
    : decoded(body, encoding);
  return compressedBody ? Readable.from(fromBlocks(plain)) : plain;
};

const inUtf8 = (latin1: string): string => Buffer.from(latin1, 'latin1').toString('utf8');

/** The data goes to a file first, so that an interrupted request inserts nothing. */
const runInsert = (
  engine: Engine,
  request: QueryRequest,
  insert: DataInsert,
  data: AsyncIterable<Buffer>,
): Promise<Answer> =>
  withSpooled(data, async (path) => {
    // On lines of their own, because a part may end with a comment.
    const sql = [
      inUtf8(insert.target),
      `FROM INFILE ${literal(path)} COMPRESSION 'none'`,
      inUtf8(insert.settings),
      `FORMAT ${insert.format}`,
    ].join('\n');
    const { bytes, rows } = await engine.run(executionOf(request, sql));
    return {
      kind: 'whole',
      format: request.defaultFormat,
      bytes,
      summary: { resultRows: 0, resultBytes: 0, writtenRows: rows },
    };
  });

const runWhole = async (engine: Engine, execution: Execution, format: string): Promise<Answer> => {
  const { bytes, rows, bytesRead } = await engine.run(execution);
  const summary = { resultRows: rows, resultBytes: bytesRead, writtenRows: 0 };
  return { kind: 'whole', format, bytes, summary };
};

const runRead = async (
  engine: Engine,
  request: QueryRequest,
  read: Extract<Statement, { kind: 'read' }>,
  sql: string,
): Promise<Answer> => {
  const format = read.format ?? request.defaultFormat;
  const execution = {
    ...executionOf(request, sql),
    readonly: request.readonly === '0' ? ('2' as const) : request.readonly,
  };
  return read.inPieces && !request.waitEndOfQuery && comesInPieces(format, execution)
    ? { kind: 'stream', format, chunks: engine.stream(execution) }
    : runWhole(engine, execution, format);
};

const refuse = (code: number, message: string): never => {
  throw new ClickHouseException(code, message);
};

/** `text` is the statement, without the data of an INSERT. */
const checkAllowed = (engine: Engine, request: QueryRequest, text: string): void =>
  refuseIf(guard(text, request.params, engine.forbidden));

const refuseIf = (refusal: Refusal | null): void => {
  if (refusal !== null) refuse(CODES[refusal.error], refusal.message);
};

const checkWritable = (request: QueryRequest): void => {
  if (request.readonly === '0') return;
  refuse(
    CODES.READONLY,
    'Cannot execute query in readonly mode. For queries over HTTP, method GET implies readonly.',
  );
};

const isValues = (insert: DataInsert): boolean => insert.format.toLowerCase() === 'values';

/**
 * Answers one request: the statement is the URL's query followed by the body.
 * @throws ClickHouseException, or the engine's error
 */
export const answerQuery = async (
  engine: Engine,
  request: QueryRequest,
  body: Readable,
  encoding: string,
): Promise<Answer> => {
  const reader = new BodyReader(await readableBody(engine, request, body, encoding));
  const query = Buffer.from(request.query === '' ? '' : `${request.query}\n`);
  const head = await reader.fill(query, query.length + HEAD_BYTES);
  // Latin-1, so that a position in the text is a position in the bytes.
  const begun = classify(head.toString('latin1'));
  if (begun.kind === 'insert' && !isValues(begun)) {
    checkAllowed(engine, request, head.toString('latin1', 0, begun.dataStart));
    checkWritable(request);
    return runInsert(engine, request, begun, reader.rest(head.subarray(begun.dataStart)));
  }
  // Anything else, including VALUES, is checked completely: no second statement may be overlooked.
  const whole = await reader.all(head);
  const text = whole.toString('latin1');
  const statement = classify(text);
  if (statement.kind === 'refused') return refuse(statement.code, statement.message);
  const dataStart = statement.kind === 'insert' ? statement.dataStart : text.length;
  checkAllowed(engine, request, text.slice(0, dataStart));
  switch (statement.kind) {
    case 'read':
      return runRead(engine, request, statement, whole.toString('utf8'));
    case 'write':
      checkWritable(request);
      return runWhole(engine, executionOf(request, whole.toString('utf8')), request.defaultFormat);
    case 'insert': {
      checkWritable(request);
      const values = isValues(statement) ? text.slice(statement.dataStart) : '';
      if (hasSecondStatement(values)) {
        refuse(CODES.SYNTAX_ERROR, 'Syntax error: multi-statements are not allowed.');
      }
      refuseIf(guardValues(values));
      const data = Readable.from([whole.subarray(statement.dataStart)]);
      return runInsert(engine, request, statement, data);
    }
  }
};
