import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { parseEnv } from 'node:util';
import { localDirectory } from '../shared/process/local-directory.ts';

/** These settings belong together: the password of one server must not be sent to another. */
const CLICKHOUSE = ['CLICKHOUSE_URL', 'CLICKHOUSE_USER', 'CLICKHOUSE_PASSWORD'];

/** Neither must the token of the local usage API. */
const USAGE_API = ['USAGE_API_TOKEN', 'USAGE_API_CA_FILE'];

/**
 * Uses the settings that `npm start` has left, for everything that is not set. Does nothing if `npm start`
 * never ran. If the environment names a ClickHouse, user and password of the local one are not used. If it
 * does not, they override those of the environment. If the environment names another usage API, token and
 * CA file of the local one are not used; a token for the local one, such as a tenant's, may be set alone.
 */
export const loadStackEnvironment = (path: string = join(localDirectory(), 'stack.env')): void => {
  let text: string;
  try {
    text = readFileSync(path, 'utf8');
  } catch {
    return; // no local stack: all settings come from the environment
  }
  const local = parseEnv(text);
  const hasClickHouse = Boolean(process.env['CLICKHOUSE_URL']);
  const api = process.env['USAGE_API_URL']?.trim() || local['USAGE_API_URL'];
  const isLocalApi = api === local['USAGE_API_URL'];
  for (const [name, value] of Object.entries(local)) {
    if (USAGE_API.includes(name) && !isLocalApi) continue;
    if (!CLICKHOUSE.includes(name)) process.env[name] ??= value;
    else if (!hasClickHouse) process.env[name] = value;
  }
};
