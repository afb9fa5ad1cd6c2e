import { createHash } from 'node:crypto';
import { readdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { inRepository } from '../../services/shared/process/repository.ts';

const FOLDERS = ['services', 'schemas', 'deploy', 'test/crash', 'test/support'];

/** The digest of the code that results depend on, with these folders in addition. */
export const codeDigest = async (more: readonly string[]): Promise<string> => {
  const digest = createHash('sha256');
  const repository = inRepository('.');
  for (const folder of [...FOLDERS, ...more]) {
    const entries = await readdir(join(repository, folder), { recursive: true });
    for (const entry of entries.filter((name) => /\.(ts|sql|json|avsc)$/.test(name)).sort()) {
      digest.update(`${folder}/${entry}\0`).update(await readFile(join(repository, folder, entry)));
    }
  }
  return digest.digest('hex');
};
