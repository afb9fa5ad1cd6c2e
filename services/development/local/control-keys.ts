import { randomBytes } from 'node:crypto';
import { readFile, writeFile } from 'node:fs/promises';
import { dirname } from 'node:path';
import { explainFileError, makeDirectory } from '../../shared/process/directory.ts';
import { UserError } from '../../shared/process/errors.ts';

/**
 * A key of the local stack: of its control records, or of the tokens of its usage API. It is created once,
 * and only its owner can read it. The first must live as long as the topics in which it has signed.
 * @throws UserError if the keys exist but cannot be read, or cannot be created
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

/** The file is never replaced: topics may have been signed with its keys. */
const unreadable = (path: string, code: string, cause: unknown): UserError =>
  new UserError(
    `The control keys in ${path} cannot be read (${code}): correct the permissions of that file, or choose another directory with ${SETTING}.`,
    { cause },
  );
