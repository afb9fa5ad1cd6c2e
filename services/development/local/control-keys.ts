import { randomBytes } from 'node:crypto';
import { readFile, writeFile } from 'node:fs/promises';
import { dirname } from 'node:path';
import { explainFileError, makeDirectory } from '../../shared/process/directory.ts';
import { UserError } from '../../shared/process/errors.ts';

/**
 * The key that signs the local stack's control records: made once, readable by its owner alone. It
 * must live as long as the topics that it has signed in.
 * @throws UserError where they are there and cannot be read, or cannot be made
 */
export const localControlKeys = async (path: string): Promise<string> => {
  try {
    return (await readFile(path, 'utf8')).trim();
  } catch (error) {
    const { code = '' } = error as NodeJS.ErrnoException;
    if (code !== 'ENOENT') throw unreadable(path, code, error);
  }
  const keys = `local:${randomBytes(32).toString('hex')}`;
  const directory = dirname(path);
  await makeDirectory(KEYS, directory, SETTING);
  await writeFile(path, `${keys}\n`, { mode: 0o600 }).catch((error: unknown) => {
    throw explainFileError(KEYS, directory, error, SETTING);
  });
  return keys;
};

const KEYS = 'The file of control keys';
const SETTING = 'USAGE_LOCAL_DIR';

/** Never made anew in its place: topics may have been signed with what it holds. */
const unreadable = (path: string, code: string, cause: unknown): UserError =>
  new UserError(
    `The control keys in ${path} cannot be read (${code}): correct the permissions of that file, or choose another directory with ${SETTING}.`,
    { cause },
  );
