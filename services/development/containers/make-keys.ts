import { randomBytes } from 'node:crypto';
import { readFile, rename, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { explain } from '../../shared/process/explain.ts';
import { localDirectory } from '../../shared/process/local-directory.ts';
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
  await replace(join(directory, 'usage-api-token'), USAGE_API_TOKEN);
};

const makeOnce = async (path: string, make: () => string): Promise<void> => {
  const found = await readFile(path, 'utf8').catch((error: unknown) => {
    if ((error as NodeJS.ErrnoException).code !== 'ENOENT') throw error;
    return '';
  });
  if (found.trim() === '') await replace(path, make());
};

/** A reader sees the file as it was or as it is, never half of it. */
const replace = async (path: string, text: string): Promise<void> => {
  await writeFile(`${path}.new`, `${text}\n`, { mode: 0o600 });
  await rename(`${path}.new`, path);
};

try {
  await makeKeys(localDirectory(), process.argv.slice(2));
  process.stdout.write(`Keys, certificates and passwords are in ${localDirectory()}.\n`);
} catch (error) {
  process.stderr.write(`make-keys: ${explain(error)}\n`);
  process.exitCode = 1;
}
