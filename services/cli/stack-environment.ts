import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { parseEnv } from 'node:util';
import { localDirectory } from '../shared/local-directory.ts';

/**
 * Takes the settings that `npm start` has left for all that is not set; does nothing where it never
 * ran.
 */
export const loadStackEnvironment = (path: string = join(localDirectory(), 'stack.env')): void => {
  let text: string;
  try {
    text = readFileSync(path, 'utf8');
  } catch {
    return; // no local stack: the settings come from the environment alone
  }
  for (const [name, value] of Object.entries(parseEnv(text))) process.env[name] ??= value;
};
