import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { parseEnv } from 'node:util';
import { localDirectory } from '../shared/process/local-directory.ts';
import { isGiven } from '../shared/process/secret-files.ts';

/** How a server is reached, by its address: the password of one must not be sent to another. */
const SERVERS: Readonly<Record<string, readonly string[]>> = {
  KAFKA_BROKERS: [
    'KAFKA_TLS',
    'KAFKA_CA_FILE',
    'KAFKA_SASL_MECHANISM',
    'KAFKA_USERNAME',
    'KAFKA_PASSWORD',
    'KAFKA_PASSWORD_FILE',
  ],
  CLICKHOUSE_URL: [
    'CLICKHOUSE_USER',
    'CLICKHOUSE_PASSWORD',
    'CLICKHOUSE_PASSWORD_FILE',
    'CLICKHOUSE_CA_FILE',
  ],
};

/** Neither must the token of the local usage API. */
const USAGE_API = ['USAGE_API_TOKEN', 'USAGE_API_CA_FILE'];

/**
 * Uses the settings that `npm start` has left, for everything that is not set. Does nothing if `npm start`
 * never ran. If the environment names a broker or a ClickHouse, login and certificates of the local one are
 * not used. If it does not, they replace those of the environment. If the environment names another usage
 * API, token and CA file of the local one are not used; a token for the local one, such as a tenant's, may be
 * set alone.
 */
export const loadStackEnvironment = (path: string = join(localDirectory(), 'stack.env')): void => {
  let text: string;
  try {
    text = readFileSync(path, 'utf8');
  } catch {
    return; // no local stack: all settings come from the environment
  }
  const local = parseEnv(text);
  for (const [address, others] of Object.entries(SERVERS)) {
    const names = [address, ...others];
    const isLocal = Boolean(local[address]) && !process.env[address]?.trim();
    for (const name of names) {
      if (isLocal) Reflect.deleteProperty(process.env, name);
      else Reflect.deleteProperty(local, name);
    }
  }
  const api = process.env['USAGE_API_URL']?.trim() || local['USAGE_API_URL'];
  const isLocalApi = api === local['USAGE_API_URL'];
  for (const [name, value] of Object.entries(local)) {
    if (USAGE_API.includes(name) && !isLocalApi) continue;
    if (isGiven(name, process.env)) continue;
    process.env[name] ??= value;
  }
};
