import { resolve } from 'node:path';
import { fileURLToPath } from 'node:url';

/** Where the local stack keeps its data, logs and keys: USAGE_LOCAL_DIR, or `.local` in the repository. */
export const localDirectory = (): string =>
  resolve(
    process.env['USAGE_LOCAL_DIR'] ?? fileURLToPath(new URL('../../.local/', import.meta.url)),
  );
