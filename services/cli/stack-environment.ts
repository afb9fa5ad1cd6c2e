import { readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { parseEnv } from 'node:util';

/** Where `npm start` leaves the addresses and keys of the stack that it runs. */
const STACK_ENVIRONMENT = fileURLToPath(new URL('../../.local/stack.env', import.meta.url));

/** Takes the settings of the local stack for all that is not set; does nothing where it never ran. */
export const loadStackEnvironment = (path: string = STACK_ENVIRONMENT): void => {
  let text: string;
  try {
    text = readFileSync(path, 'utf8');
  } catch {
    return; // no local stack: the settings come from the environment alone
  }
  for (const [name, value] of Object.entries(parseEnv(text))) process.env[name] ??= value;
};
