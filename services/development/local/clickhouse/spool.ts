import { randomUUID } from 'node:crypto';
import { mkdir, rm, writeFile } from 'node:fs/promises';

/**
 * Where request bodies wait for the engine. The path is relative to the working directory, because the
 * engine would read special characters in an absolute path as a pattern.
 */
const SPOOL = 'spool';

/** Removes what an earlier process left. Call this only while holding the data directory. */
export const resetSpool = async (): Promise<void> => {
  await rm(SPOOL, { recursive: true, force: true });
  await mkdir(SPOOL);
};

/** Writes bytes to a file that exists while `use` runs; `use` does not run if they are cut off. */
export const withSpooled = async <Result>(
  bytes: AsyncIterable<Buffer>,
  use: (path: string) => Promise<Result>,
): Promise<Result> => {
  const path = `${SPOOL}/${randomUUID()}`;
  try {
    await writeFile(path, inLargePieces(bytes));
    return await use(path);
  } finally {
    await rm(path, { force: true });
  }
};

/** Bytes in one piece. They come in pieces of 64 KiB, and each write costs the way to another thread and back. */
const PIECE_BYTES = 1024 * 1024;

async function* inLargePieces(bytes: AsyncIterable<Buffer>): AsyncGenerator<Buffer, void> {
  let pieces: Buffer[] = [];
  let size = 0;
  for await (const piece of bytes) {
    pieces.push(piece);
    size += piece.length;
    if (size < PIECE_BYTES) continue;
    yield Buffer.concat(pieces);
    pieces = [];
    size = 0;
  }
  yield Buffer.concat(pieces);
}
