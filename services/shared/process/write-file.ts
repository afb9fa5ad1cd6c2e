import { open, rename, rm } from 'node:fs/promises';
import { dirname } from 'node:path';
import { explainFileError } from './directory.ts';
import { syncDirectory } from './sync-directory.ts';

/**
 * Writes a whole file, so that it survives a power failure. An older one is replaced.
 * @throws UserError if its directory cannot be used
 */
export const writeWhole = async (
  path: string,
  parts: AsyncIterable<Uint8Array> | Iterable<Uint8Array>,
): Promise<void> => {
  try {
    const handle = await open(path, 'w');
    try {
      for await (const part of parts) await handle.writeFile(part);
      await handle.sync();
    } finally {
      await handle.close();
    }
  } catch (error) {
    throw explainFileError('usagectl', dirname(path), error);
  }
};

/** Gives a file its name; who reads the name sees all of it or none. */
export const renameWhole = async (from: string, to: string): Promise<void> => {
  await rename(from, to);
  await syncDirectory(dirname(to));
};

/** The name of a file until it is whole. */
export const unfinishedName = (path: string): string => `${path}.unfinished`;

/** Writes a file under a temporary name and renames it, so that nobody ever reads a part of it. */
export const writeAtomically = async (
  path: string,
  parts: AsyncIterable<Uint8Array> | Iterable<Uint8Array>,
): Promise<void> => {
  const unfinished = unfinishedName(path);
  try {
    await writeWhole(unfinished, parts);
  } catch (error) {
    await rm(unfinished, { force: true });
    throw error;
  }
  await renameWhole(unfinished, path);
};
