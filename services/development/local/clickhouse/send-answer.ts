import { randomInt } from 'node:crypto';
import type { ServerResponse } from 'node:http';
import { Duplex, Readable } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import { toBlocks } from './encoding/blocks.ts';
import { createEncoder } from './encoding/response-encoding.ts';
import { asException, exceptionInBody, exceptionText, httpStatus } from './exception.ts';
import { contentType } from './formats.ts';
import type { Answer, Summary } from './query-handler.ts';
import type { QueryRequest } from './request.ts';

interface Context {
  readonly startedAt: bigint;
  /** The engine's. */
  readonly version: string;
}

const summaryHeader = (summary: Summary, startedAt: bigint): string =>
  JSON.stringify({
    // The engine reports only the result, not what it read for it.
    read_rows: String(summary.resultRows),
    read_bytes: String(summary.resultBytes),
    written_rows: String(summary.writtenRows),
    written_bytes: '0',
    total_rows_to_read: '0',
    // The JDBC driver takes an answer without rows here for an empty one.
    result_rows: String(summary.resultRows + summary.writtenRows),
    result_bytes: String(summary.resultBytes),
    elapsed_ns: String(process.hrtime.bigint() - startedAt),
  });

const TAG_LENGTH = 16;
const LETTERS = 'abcdefghijklmnopqrstuvwxyz';

/** Marks an error within a result. A result can contain it only by chance. */
const randomTag = (): string =>
  Array.from({ length: TAG_LENGTH }, () => LETTERS.charAt(randomInt(LETTERS.length))).join('');

/** A result in pieces, of which the first has arrived. */
class Pieces {
  private readonly first: IteratorResult<Uint8Array, void>;
  private readonly rest: AsyncIterator<Uint8Array, void>;
  private readonly tag: string;
  private readonly version: string;
  failed = false;

  constructor(
    first: IteratorResult<Uint8Array, void>,
    rest: AsyncIterator<Uint8Array, void>,
    tag: string,
    version: string,
  ) {
    this.first = first;
    this.rest = rest;
    this.tag = tag;
    this.version = version;
  }

  /** The pieces. If the engine fails before the last one, the error follows them. */
  async *[Symbol.asyncIterator](): AsyncGenerator<Buffer, void> {
    try {
      let item = this.first;
      while (item.done !== true) {
        yield Buffer.from(item.value.buffer, item.value.byteOffset, item.value.byteLength);
        item = await this.rest.next();
      }
    } catch (error) {
      this.failed = true;
      const text = exceptionText(asException(error), this.version);
      console.error(text);
      yield exceptionInBody(text, this.tag);
    }
  }
}

const encodersFor = (request: QueryRequest): readonly Duplex[] => {
  const http = request.responseEncoding === null ? null : createEncoder(request.responseEncoding);
  return [
    ...(request.compressedAnswer ? [Duplex.from(toBlocks)] : []),
    ...(http === null ? [] : [http]),
  ];
};

/** From here on the answer, an error too, comes in the encoding that the client takes. */
export const announceEncoding = (response: ServerResponse, request: QueryRequest): void => {
  if (request.responseEncoding === null) return;
  response.setHeader('Content-Encoding', request.responseEncoding);
  response.setHeader('Vary', 'Accept-Encoding');
};

/** Sends a result; the first piece is awaited before the head, so that its error has a status. */
export const sendAnswer = async (
  response: ServerResponse,
  answer: Answer,
  request: QueryRequest,
  { startedAt, version }: Context,
): Promise<void> => {
  const encoders = encodersFor(request);
  const tag = randomTag();
  response.setHeader('Content-Type', contentType(answer.format));
  response.setHeader('X-ClickHouse-Format', answer.format);
  response.setHeader('X-ClickHouse-Exception-Tag', tag);
  if (answer.kind === 'whole') {
    response.setHeader('X-ClickHouse-Summary', summaryHeader(answer.summary, startedAt));
    if (encoders.length === 0) response.setHeader('Content-Length', answer.bytes.length);
    await pipeline([Readable.from([Buffer.from(answer.bytes)]), ...encoders, response]);
    return;
  }
  try {
    const pieces = new Pieces(await answer.chunks.next(), answer.chunks, tag, version);
    await pipeline([Readable.from(pieces), ...encoders, response], { end: false });
    if (pieces.failed) breakOff(response);
    else response.end();
  } finally {
    await answer.chunks.return();
  }
};

/**
 * Sends what there is, without an end: half a result must not look complete, not even to a client that does
 * not know of errors within a result.
 */
const breakOff = (response: ServerResponse): void => {
  // The last bytes are with the socket when this empty write is.
  response.write('', () => response.socket?.destroySoon());
};

const announcedEncoder = (response: ServerResponse): readonly Duplex[] => {
  const encoder = createEncoder(String(response.getHeader('Content-Encoding') ?? ''));
  return encoder === null ? [] : [encoder];
};

/** Sends an error instead of an answer; without the compressed blocks of ClickHouse, as it does. */
export const sendError = async (
  response: ServerResponse,
  thrown: unknown,
  version: string,
): Promise<void> => {
  const exception = asException(thrown);
  const text = exceptionText(exception, version);
  if (response.headersSent || response.destroyed) {
    // Half a result must not look complete: the client sees the connection break.
    console.error(text);
    response.destroy();
    return;
  }
  for (const name of ['Content-Length', 'X-ClickHouse-Exception-Tag']) response.removeHeader(name);
  response.statusCode = httpStatus(exception.code);
  response.setHeader('X-ClickHouse-Exception-Code', exception.code);
  response.setHeader('Content-Type', 'text/plain; charset=UTF-8');
  await pipeline([Readable.from([Buffer.from(text)]), ...announcedEncoder(response), response]);
};
