import { join } from 'node:path';
import { explainFileError } from '../../shared/process/directory.ts';
import { prepareDirectory } from './data-directory.ts';
import { withLock } from '../../shared/process/lock.ts';
import { checkUnused } from './pid-file.ts';

/**
 * Starts a server on a data directory, which is created if need be. Two servers that start at the same time
 * take turns, so that the second one finds the first one's pid file. A second broker on the same files
 * would corrupt them.
 * @throws UserError if the directory cannot be used, or is used
 */
export const claimDirectory = async <Server>(
  what: string,
  directory: string,
  start: () => Promise<Server>,
): Promise<Server> => {
  await prepareDirectory(what, directory);
  try {
    return await withLock(join(directory, 'lock'), async () => {
      await checkUnused(what, directory);
      return start();
    });
  } catch (error) {
    throw explainFileError(what, directory, error);
  }
};
