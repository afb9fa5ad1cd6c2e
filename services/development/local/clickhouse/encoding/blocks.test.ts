import fc from 'fast-check';
import { Readable } from 'node:stream';
import { buffer } from 'node:stream/consumers';
import { fromBlocks, toBlocks } from './blocks.ts';

const decode = (...pieces: readonly Buffer[]): Promise<Buffer> =>
  buffer(Readable.from(fromBlocks(Readable.from(pieces))));
const encode = (...pieces: readonly Buffer[]): Promise<Buffer> =>
  buffer(Readable.from(toBlocks(Readable.from(pieces))));

// Made with the Python packages lz4 4.4.5, backports.zstd 1.8.0 and clickhouse-cityhash 1.0.2.6.
const FOREIGN = {
  lz4: 'f75bf7ad2cb48f6b52c534a6661acd51822100000049000000ef53454c454354203432202d2d2078010023507878787878',
  none: '7e1033b26094f612ec0f93b23cb5f08402120000000900000053454c454354203432',
  zstd: 'f05014a1ab287bea62f523713dd33169901b0000000900000028b52ffd200949000053454c454354203432',
};

test.each([
  ['lz4', `SELECT 42 -- ${'x'.repeat(60)}`],
  ['none', 'SELECT 42'],
  ['zstd', 'SELECT 42'],
] as const)('a block that others made by %s is read', async (method, expected) => {
  expect(String(await decode(Buffer.from(FOREIGN[method], 'hex')))).toBe(expected);
});

test('whatever goes in comes out, however it is cut', async () => {
  await fc.assert(
    fc.asyncProperty(
      fc.array(fc.uint8Array({ maxLength: 3000 }), { maxLength: 5 }),
      fc.integer({ min: 1, max: 700 }),
      async (arrays, step) => {
        const pieces = arrays.map((array) => Buffer.from(array));
        const blocks = await encode(...pieces);
        const cut = Array.from({ length: Math.ceil(blocks.length / step) }, (_, index) =>
          blocks.subarray(index * step, (index + 1) * step),
        );
        expect(await decode(...cut)).toEqual(Buffer.concat(pieces));
      },
    ),
    { numRuns: 50 },
  );
});

test('data of more than one block come whole', async () => {
  const data = Buffer.from(Array.from({ length: 700_000 }, (_, index) => (index * index) % 251));
  expect((await decode(await encode(data))).equals(data)).toBe(true);
});

test('a byte that was changed, anywhere, is noticed', async () => {
  const good = Buffer.from(FOREIGN.lz4, 'hex');
  for (const at of good.keys()) {
    const bad = Buffer.from(good);
    bad.writeUInt8(bad.readUInt8(at) ^ 0x10, at);
    await expect(decode(bad)).rejects.toThrow(/Checksum|Cannot decompress/);
  }
});

test.each([1, 20, 40])('a stream that ends %i bytes into a block is an error', async (length) => {
  await expect(decode(Buffer.from(FOREIGN.lz4, 'hex').subarray(0, length))).rejects.toThrow(
    'it ends within a block',
  );
});
