import { randomBytes } from 'node:crypto';
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { explain } from '../../shared/process/explain.ts';
import { localDirectory } from '../../shared/process/local-directory.ts';
import { OWNER_ONLY, replaceFile } from '../../shared/process/replace-file.ts';
import { localControlKeys } from '../local/control-keys.ts';
import { usageApiAccess } from '../local/usage-api-access.ts';

/**
 * `make-keys [NAME …]`: makes in USAGE_LOCAL_DIR, once, every secret that the containers share: the keys of
 * `npm start`, with the usage API's certificate for these host names, and passwords. Each is a file that
 * only its owner can read, or root, who starts ClickHouse.
 */
const makeKeys = async (directory: string, names: readonly string[]): Promise<void> => {
  await localControlKeys(join(directory, 'control-keys'));
  await localControlKeys(join(directory, 'token-keys'));
  for (const name of ['clickhouse-password', 'commerce-token']) {
    await makeOnce(join(directory, name), () => randomBytes(24).toString('hex'));
  }
  // A token lasts for 30 days: there is a new one with each start.
  const { USAGE_API_TOKEN = '' } = await usageApiAccess(directory, process.env, names);
  await replaceFile(join(directory, 'usage-api-token'), `${USAGE_API_TOKEN}\n`, OWNER_ONLY);
};

const makeOnce = async (path: string, make: () => string): Promise<void> => {
  const found = await readFile(path, 'utf8').catch((error: unknown) => {
    if ((error as NodeJS.ErrnoException).code !== 'ENOENT') throw error;
    return '';
  });
  if (found.trim() === '') await replaceFile(path, `${make()}\n`, OWNER_ONLY);
};

try {
  await makeKeys(localDirectory(), process.argv.slice(2));
  process.stdout.write(`Keys, certificates and passwords are in ${localDirectory()}.\n`);
} catch (error) {
  process.stderr.write(`make-keys: ${explain(error)}\n`);
  process.exitCode = 1;
}
