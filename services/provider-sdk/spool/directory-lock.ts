import extensions from 'fs-native-extensions';
import { open, type FileHandle } from 'node:fs/promises';
import { join } from 'node:path';
import { spoolIsUsed } from './spool-errors.ts';

/** False if somebody has locked the file already. */
export const tryLock = (file: FileHandle): boolean => extensions.tryLock(file.fd);

export interface DirectoryLock {
  release(): Promise<void>;
}

/**
 * Takes a directory for this process. The lock is the kernel's (an open file description lock), so it ends with
 * its owner however that ends, also by SIGKILL, and holds between containers that share the directory.
 * A file with a process id could do neither: ids are reused, and each container counts its own.
 * @throws UserError if another process, or another spool of this one, has it
 */
export const lockDirectory = async (directory: string): Promise<DirectoryLock> => {
  const handle = await open(join(directory, 'lock'), 'a+');
  try {
    if (!tryLock(handle)) throw spoolIsUsed(directory);
  } catch (error) {
    await handle.close();
    throw error;
  }
  return { release: () => handle.close() };
};
