import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { parseEnv } from 'node:util';
import { localDirectory } from '../shared/process/local-directory.ts';

/** They belong together: the password of one server is not for another one. */
const CLICKHOUSE = ['CLICKHOUSE_URL', 'CLICKHOUSE_USER', 'CLICKHOUSE_PASSWORD'];

/**
 * Takes the settings that `npm start` has left for all that is not set; does nothing where it never
 * ran. Where the environment names a ClickHouse, user and password of the local one are not taken;
 * where it does not, they win over those of the environment.
 */
export const loadStackEnvironment = (path: string = join(localDirectory(), 'stack.env')): void => {
  let text: string;
  try {
    text = readFileSync(path, 'utf8');
  } catch {
    return; // no local stack: the settings come from the environment alone
  }
  const hasClickHouse = Boolean(process.env['CLICKHOUSE_URL']);
  for (const [name, value] of Object.entries(parseEnv(text))) {
    if (!CLICKHOUSE.includes(name)) process.env[name] ??= value;
    else if (!hasClickHouse) process.env[name] = value;
  }
};
