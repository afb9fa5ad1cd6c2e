import { PassThrough, Readable } from 'node:stream';
import { brotliCompressSync, deflateSync, gzipSync } from 'node:zlib';
import { BodyReader, decoded, MAX_STATEMENT_BYTES } from './body.ts';

const body = (...parts: readonly (string | Buffer)[]): Readable =>
  Readable.from(parts.map((part) => Buffer.from(part)));

const none = Buffer.alloc(0);

const collect = async (chunks: AsyncIterable<Buffer>): Promise<string> => {
  const parts: Buffer[] = [];
  for await (const chunk of chunks) parts.push(chunk);
  return Buffer.concat(parts).toString();
};

test('no more is read than is asked for', async () => {
  const reader = new BodyReader(body('abc', 'def', 'ghi'));
  const head = await reader.fill(none, 4);
  expect(head.toString()).toBe('abcdef');
  expect(await collect(reader.rest(head.subarray(5)))).toBe('fghi');
});

test('fill ends where the body ends', async () => {
  expect((await new BodyReader(body('abc')).fill(Buffer.from('x'), 10)).toString()).toBe('xabc');
});

test('a statement over the limit is QUERY_IS_TOO_LARGE', async () => {
  const large = Buffer.alloc(MAX_STATEMENT_BYTES, 'x');
  await expect(new BodyReader(body(large)).all(none)).resolves.toHaveLength(large.length);
  await expect(new BodyReader(body(large, 'x')).all(none)).rejects.toMatchObject({ code: 552 });
});

test.each([
  ['gzip', gzipSync('SELECT 1')],
  ['x-gzip', gzipSync('SELECT 1')],
  ['deflate', deflateSync('SELECT 1')],
  ['br', brotliCompressSync('SELECT 1')],
  ['identity', Buffer.from('SELECT 1')],
  ['', Buffer.from('SELECT 1')],
])('a body in %p is decoded', async (encoding, bytes) => {
  const reader = new BodyReader(decoded(body(bytes), encoding));
  expect((await reader.all(none)).toString()).toBe('SELECT 1');
});

test('an encoding that nobody knows is refused', () => {
  expect(() => decoded(body('x'), 'rot13')).toThrow('Unknown Content-Encoding "rot13".');
});

test.each([
  ['is not gzip', Buffer.from('SELECT 1')],
  ['is cut short', gzipSync('SELECT 1').subarray(0, -6)],
])('a gzip body that %s is CANNOT_DECOMPRESS', async (_, bytes) => {
  const reader = new BodyReader(decoded(body(bytes), 'gzip'));
  await expect(reader.all(none)).rejects.toMatchObject({ code: 271 });
});

test.each(['', 'gzip'])(
  'a request that breaks off (%p) is an error, not an end',
  async (encoding) => {
    const request = new PassThrough();
    request.write(encoding === '' ? Buffer.from('SELECT 1') : gzipSync('SELECT 1'));
    const reading = new BodyReader(decoded(request, encoding)).all(none);
    request.destroy(new Error('aborted'));
    await expect(reading).rejects.toThrow('aborted');
  },
);
