import { join, resolve } from 'node:path';
import { inRepository } from './repository.ts';

/** Where the local stack keeps its data, logs and keys: USAGE_LOCAL_DIR, or `.local` in the repository. */
export const localDirectory = (): string =>
  resolve(process.env['USAGE_LOCAL_DIR'] ?? inRepository('.local'));

/** A file or folder of the local stack. */
export const localPath = (name: string): string => join(localDirectory(), name);
