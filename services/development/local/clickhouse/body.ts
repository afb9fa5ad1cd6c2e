import { createBrotliDecompress, createGunzip, createInflate } from 'node:zlib';
import type { Readable, Transform } from 'node:stream';
import { ClickHouseException, CODES } from './exception.ts';

/** How much of a request is searched for the beginning of an INSERT's data. */
export const HEAD_BYTES = 1024 * 1024;
/** The longest statement, with its VALUES but without the data after a FORMAT. */
export const MAX_STATEMENT_BYTES = 16 * 1024 * 1024;
/** The most data of one INSERT: it becomes one block in memory. */
const MAX_DATA_BYTES = 1024 * 1024 * 1024;

const tooLarge = (limit: number): ClickHouseException =>
  new ClickHouseException(
    CODES.QUERY_IS_TOO_LARGE,
    `The local ClickHouse accepts at most ${String(limit / 1024 / 1024)} MiB here.`,
  );

const DECODERS: Readonly<Record<string, () => Transform>> = {
  gzip: createGunzip,
  'x-gzip': createGunzip,
  deflate: createInflate,
  br: createBrotliDecompress,
};

/** Encodings that Node 20 cannot read and the engine can. */
export const ENGINE_ENCODINGS: ReadonlySet<string> = new Set(['lz4', 'zstd', 'xz']);

/** The body's bytes, decompressed. `encoding` is one that Node reads, or '' for none. */
export const decoded = (body: Readable, encoding: string): Readable => {
  if (encoding === '' || encoding === 'identity') return body;
  const decoder = DECODERS[encoding]?.();
  if (decoder === undefined) {
    throw new ClickHouseException(
      CODES.UNKNOWN_COMPRESSION_METHOD,
      `Unknown Content-Encoding "${encoding}".`,
    );
  }
  body.on('error', (error) => decoder.destroy(error));
  body.on('close', () => {
    if (!body.readableEnded) decoder.destroy(new Error('The request was cut off.'));
  });
  return body.pipe(decoder);
};

/** Reads a request's bytes as needed. */
export class BodyReader {
  private readonly chunks: AsyncIterator<Buffer>;

  constructor(body: Readable) {
    this.chunks = (body as AsyncIterable<Buffer>)[Symbol.asyncIterator]();
  }

  private async next(): Promise<Buffer | null> {
    try {
      const item = await this.chunks.next();
      return item.done === true ? null : item.value;
    } catch (error) {
      if (error instanceof ClickHouseException) throw error;
      const code = (error as NodeJS.ErrnoException).code ?? '';
      if (!code.startsWith('Z_') && !code.startsWith('ERR_')) throw error;
      throw new ClickHouseException(CODES.CANNOT_DECOMPRESS, (error as Error).message);
    }
  }

  /** Continues reading until there are `size` bytes or the body has ended. */
  async fill(start: Buffer, size: number): Promise<Buffer> {
    const parts = [start];
    let length = start.length;
    while (length < size) {
      const chunk = await this.next();
      if (chunk === null) break;
      parts.push(chunk);
      length += chunk.length;
    }
    return parts.length === 1 ? start : Buffer.concat(parts);
  }

  /**
   * The complete text.
   * @throws ClickHouseException if it is over the limit
   */
  async all(start: Buffer): Promise<Buffer> {
    const text = await this.fill(start, MAX_STATEMENT_BYTES + 1);
    if (text.length > MAX_STATEMENT_BYTES) throw tooLarge(MAX_STATEMENT_BYTES);
    return text;
  }

  /** What has been read, `start`, and all that follows. @throws ClickHouseException over the limit */
  async *rest(start: Buffer): AsyncGenerator<Buffer, void> {
    let length = start.length;
    if (length > 0) yield start;
    for (let chunk = await this.next(); chunk !== null; chunk = await this.next()) {
      length += chunk.length;
      if (length > MAX_DATA_BYTES) throw tooLarge(MAX_DATA_BYTES);
      yield chunk;
    }
  }
}
