import { constants } from 'node:fs';
import { access, mkdir, mkdtemp, stat } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { codeOf, UserError } from './errors.ts';
import { syncDirectory } from './sync-directory.ts';

/**
 * What is wrong with a directory, and what to do if there is something better than to choose another one.
 */
interface Problem {
  readonly is: string;
  readonly remedy?: string;
}

export const FULL: Problem = { is: 'the disk is full', remedy: 'make room' };
export const READ_ONLY: Problem = { is: 'it is on a read-only file system' };
export const NOT_WRITABLE: Problem = {
  is: 'it is not writable',
  remedy: 'correct its permissions',
};

const PROBLEMS: Readonly<Record<string, Problem>> = {
  EACCES: NOT_WRITABLE,
  EPERM: NOT_WRITABLE,
  EROFS: READ_ONLY,
  ENOTDIR: { is: 'a part of its path is a file' },
  EEXIST: { is: 'it is a file' },
  ENOSPC: FULL,
  EIO: { is: 'its disk reports an error (EIO)', remedy: 'check the disk' },
  EMFILE: { is: 'this process has too many files open (EMFILE)', remedy: 'raise its limit' },
  ENFILE: { is: 'this machine has too many files open (ENFILE)', remedy: 'close some' },
  EDQUOT: { is: 'the disk quota is used up', remedy: 'make room' },
};

/** `setting` is the setting that chooses the directory, if there is one. */
export const cannotUse = (
  what: string,
  directory: string,
  { is, remedy }: Problem,
  { cause, setting }: { readonly cause?: unknown; readonly setting?: string | undefined } = {},
): UserError => {
  const choose = `choose another directory${setting === undefined ? '' : ` with ${setting}`}`;
  const ways = remedy === undefined ? choose : `${remedy}, or ${choose}`;
  return new UserError(`${what} cannot use the directory ${directory}, ${is}: ${ways}.`, { cause });
};

/** Turns the usual problems with a directory into a UserError. Leaves other errors as they are. */
export const explainFileError = (
  what: string,
  directory: string,
  error: unknown,
  setting?: string,
): unknown => {
  const problem = PROBLEMS[codeOf(error) ?? ''];
  return problem === undefined
    ? error
    : cannotUse(what, directory, problem, { cause: error, setting });
};

/** Whether a directory exists. A file in its place is an error. */
const exists = async (directory: string): Promise<boolean> => {
  const found = await stat(directory).catch((error: unknown) => {
    if (codeOf(error) === 'ENOENT') return null;
    throw error;
  });
  if (found === null) return false;
  if (!found.isDirectory()) throw Object.assign(new Error(directory), { code: 'EEXIST' });
  return true;
};

/**
 * Creates directories one by one: on a read-only file system a recursive `mkdir` says that something does
 * not exist.
 */
const makeSteps = async (directory: string): Promise<void> => {
  if (await exists(directory)) return;
  const parent = dirname(directory);
  if (parent !== directory) await makeSteps(parent);
  await mkdir(directory).catch((error: unknown) => {
    if (codeOf(error) !== 'EEXIST') throw error; // another process may have created it
  });
  await syncDirectory(parent); // what is flushed in a directory is lost with the directory's own name
};

/**
 * Creates a directory with its parents, and makes sure that files can be written to it.
 * @throws UserError: one line that says what to do
 */
export const makeDirectory = async (
  what: string,
  directory: string,
  setting?: string,
): Promise<void> => {
  try {
    await makeSteps(directory);
    await access(directory, constants.W_OK | constants.X_OK);
  } catch (error) {
    const code = codeOf(error);
    if (code === undefined) throw error;
    // What remains are file systems that accept no directories, such as /proc, and broken ones.
    const problem = PROBLEMS[code] ?? { is: `nothing can be created there (${code})` };
    throw cannotUse(what, directory, problem, { cause: error, setting });
  }
};

/**
 * A new directory for temporary files, which the caller removes.
 * @throws UserError: one line that says what to do
 */
export const temporaryDirectory = async (
  what: string,
  prefix: string,
  parent: string = tmpdir(),
): Promise<string> => {
  await makeDirectory(what, parent, 'TMPDIR');
  try {
    return await mkdtemp(join(parent, prefix));
  } catch (error) {
    throw explainFileError(what, parent, error, 'TMPDIR');
  }
};
