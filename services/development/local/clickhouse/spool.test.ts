import { existsSync, readFileSync } from 'node:fs';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { resetSpool, withSpooled } from './spool.ts';

const home = process.cwd();
let directory: string;

beforeAll(async () => {
  directory = await mkdtemp(join(tmpdir(), 'spool-'));
  process.chdir(directory);
  await resetSpool();
});

afterAll(async () => {
  process.chdir(home);
  await rm(directory, { recursive: true });
});

async function* piecesOf(sizes: readonly number[]): AsyncGenerator<Buffer> {
  for (const [n, size] of sizes.entries()) yield Promise.resolve(Buffer.alloc(size, n + 1));
}

const all = (sizes: readonly number[]): Buffer =>
  Buffer.concat(sizes.map((size, n) => Buffer.alloc(size, n + 1)));

test.each([
  ['nothing', []],
  ['one byte', [1]],
  ['pieces that are more than one write', [700_000, 0, 700_000, 5]],
  ['a piece larger than a write', [3_000_000]],
  ['more pieces than the kernel takes at once', Array.from({ length: 5_000 }, () => 7)],
])('%s stands in the file while it is used, and not longer', async (_, sizes) => {
  const [path, read] = await withSpooled(piecesOf(sizes), (used) =>
    Promise.resolve([used, readFileSync(used)] as const),
  );
  expect(read.equals(all(sizes))).toBe(true);
  expect(existsSync(path)).toBe(false);
});

test('what is cut off is not used', async () => {
  const cutOff = async function* (): AsyncGenerator<Buffer> {
    yield* piecesOf([10]);
    throw new Error('cut off');
  };
  let isUsed = false;
  const use = (): Promise<void> => {
    isUsed = true;
    return Promise.resolve();
  };
  await expect(withSpooled(cutOff(), use)).rejects.toThrow('cut off');
  expect(isUsed).toBe(false);
});
