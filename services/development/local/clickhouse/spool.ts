import { randomUUID } from 'node:crypto';
import { createWriteStream } from 'node:fs';
import { mkdir, rm } from 'node:fs/promises';
import { pipeline } from 'node:stream/promises';

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
    await pipeline(bytes, createWriteStream(path));
    return await use(path);
  } finally {
    await rm(path, { force: true });
  }
};
