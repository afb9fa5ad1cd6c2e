import { mkdir, open, rename, statfs, type FileHandle } from 'node:fs/promises';
import { UserError } from '../../shared/process/errors.ts';

/** Below this a server may start, but not do anything of use. */
const LEAST_FREE_BYTES = 64 * 1024 * 1024;

const FULL = 'the disk is full: make room, or choose another directory.';
const NOT_WRITABLE = 'it is not writable: correct its permissions, or choose another directory.';

const PROBLEMS: Readonly<Record<string, string>> = {
  EACCES: NOT_WRITABLE,
  EPERM: NOT_WRITABLE,
  EROFS: 'it lies on a read-only file system: choose another directory.',
  ENOTDIR: 'a part of its path is a file: choose another directory.',
  EEXIST: 'it is a file: choose another directory.',
  ENOSPC: FULL,
  EDQUOT: 'the disk quota is used up: make room, or choose another directory.',
};

const cannotUse = (what: string, directory: string, problem: string, cause?: unknown): UserError =>
  new UserError(`${what} cannot use the directory ${directory}, ${problem}`, { cause });

/** Turns the usual troubles with a directory into a UserError; leaves other errors as they are. */
export const explainFileError = (what: string, directory: string, error: unknown): unknown => {
  const problem = PROBLEMS[(error as NodeJS.ErrnoException).code ?? ''];
  return problem === undefined ? error : cannotUse(what, directory, problem, error);
};

/** Whether the disk that holds the directory has next to nothing left. */
const isDiskFull = async (directory: string): Promise<boolean> => {
  const { bavail, bsize } = await statfs(directory);
  return bavail * bsize < LEAST_FREE_BYTES;
};

/** What Java and the engine print about their files. */
const OUTPUT_PROBLEMS: readonly (readonly [RegExp, string])[] = [
  [/No space left on device/, FULL],
  [
    /Failed to acquire lock on file|Another server instance in same directory/,
    'another process uses it: stop that one, or choose another directory.',
  ],
  [/Permission denied|AccessDeniedException/, NOT_WRITABLE],
  [/Read-only file system/, PROBLEMS['EROFS'] ?? ''],
];

/** What a server's output says about its directory, or null if that is nothing known. */
export const explainOutput = async (
  what: string,
  directory: string,
  output: string,
): Promise<UserError | null> => {
  // A full disk may hold no output that says so.
  if (await isDiskFull(directory)) return cannotUse(what, directory, FULL);
  const problem = OUTPUT_PROBLEMS.find(([pattern]) => pattern.test(output))?.[1];
  return problem === undefined ? null : cannotUse(what, directory, problem);
};

/** Makes the directory, with its parents. @throws UserError if that cannot be, or if it is full */
export const prepareDirectory = async (what: string, directory: string): Promise<void> => {
  try {
    await mkdir(directory, { recursive: true });
  } catch (error) {
    throw explainFileError(what, directory, error);
  }
  if (await isDiskFull(directory)) throw cannotUse(what, directory, FULL);
};

/** Opens a fresh log file, keeping the one of the run before as `<path>.previous`. */
export const openLog = async (path: string): Promise<FileHandle> => {
  await rename(path, `${path}.previous`).catch(() => undefined);
  return open(path, 'a');
};
