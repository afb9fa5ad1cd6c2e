import { open, rename, statfs, type FileHandle } from 'node:fs/promises';
import { dirname } from 'node:path';
import {
  cannotUse,
  explainFileError,
  FULL,
  makeDirectory,
  NOT_WRITABLE,
  READ_ONLY,
} from '../../shared/process/directory.ts';
import type { UserError } from '../../shared/process/errors.ts';

/** Below this a server may start, but cannot do anything useful. */
const LEAST_FREE_BYTES = 64 * 1024 * 1024;

/** Whether the disk of the directory is almost full. */
const isDiskFull = async (directory: string): Promise<boolean> => {
  const { bavail, bsize } = await statfs(directory);
  return bavail * bsize < LEAST_FREE_BYTES;
};

/** What Java and the engine print about their files. */
const OUTPUT_PROBLEMS: readonly (readonly [RegExp, Parameters<typeof cannotUse>[2]])[] = [
  [/No space left on device/, FULL],
  [
    /Failed to acquire lock on file|Another server instance in same directory/,
    { is: 'another process uses it', remedy: 'stop that one' },
  ],
  [/Permission denied|AccessDeniedException/, NOT_WRITABLE],
  [/Read-only file system/, READ_ONLY],
];

/** What a server's output says about its directory; null if nothing known. */
export const explainOutput = async (
  what: string,
  directory: string,
  output: string,
): Promise<UserError | null> => {
  // A full disk may have no room for output that says so.
  if (await isDiskFull(directory)) return cannotUse(what, directory, FULL);
  const problem = OUTPUT_PROBLEMS.find(([pattern]) => pattern.test(output))?.[1];
  return problem === undefined ? null : cannotUse(what, directory, problem);
};

/**
 * Creates the directory with its parents. `setting` is the setting that chooses it.
 * @throws UserError if that fails, or the disk is full
 */
export const prepareDirectory = async (
  what: string,
  directory: string,
  setting?: string,
): Promise<void> => {
  await makeDirectory(what, directory, setting);
  if (await isDiskFull(directory)) throw cannotUse(what, directory, FULL, { setting });
};

/** Opens a fresh log file, keeping the one of the run before as `<path>.previous`. */
export const openLog = async (path: string): Promise<FileHandle> => {
  await rename(path, `${path}.previous`).catch(() => undefined);
  try {
    return await open(path, 'a');
  } catch (error) {
    throw explainFileError(`The log ${path}`, dirname(path), error);
  }
};
