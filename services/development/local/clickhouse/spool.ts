import { randomUUID } from 'node:crypto';
import { mkdir, open, rm, type FileHandle } from 'node:fs/promises';

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
    await writeAll(path, bytes);
    return await use(path);
  } finally {
    await rm(path, { force: true });
  }
};

/** Bytes in one write. They come in pieces of 64 KiB, and each write costs the way to another thread and back. */
const WRITTEN_BYTES = 1024 * 1024;

const writeAll = async (path: string, bytes: AsyncIterable<Buffer>): Promise<void> => {
  const file = await open(path, 'wx');
  try {
    let pieces: Buffer[] = [];
    let size = 0;
    for await (const piece of bytes) {
      pieces.push(piece);
      size += piece.length;
      if (size < WRITTEN_BYTES) continue;
      await writePieces(file, pieces);
      pieces = [];
      size = 0;
    }
    await writePieces(file, pieces);
  } finally {
    await file.close();
  }
};

/** A full disk may take the first bytes only, without an error: the next write has it. */
const writePieces = async (file: FileHandle, pieces: readonly Buffer[]): Promise<void> => {
  let rest = pieces;
  while (rest.length > 0) {
    const { bytesWritten } = await file.writev(rest);
    rest = without(rest, bytesWritten);
  }
};

const without = (pieces: readonly Buffer[], bytes: number): readonly Buffer[] => {
  let left = bytes;
  return pieces.flatMap((piece) => {
    const cut = Math.min(left, piece.length);
    left -= cut;
    return cut === piece.length ? [] : [piece.subarray(cut)];
  });
};
