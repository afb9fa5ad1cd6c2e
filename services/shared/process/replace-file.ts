import { rename, writeFile } from 'node:fs/promises';

/** Permissions: for the file's owner alone; and for everybody to read. */
export const OWNER_ONLY = 0o600;
export const ANYBODY_READS = 0o644;

/**
 * Writes a small file anew, with these permissions, even if it existed with others. A reader sees the file as it was
 * or as it is, never half of it. It may be lost with the power: `writeAtomically` is for what must not be.
 */
export const replaceFile = async (path: string, text: string, mode: number): Promise<void> => {
  const next = `${path}.${String(process.pid)}.new`;
  await writeFile(next, text, { mode });
  await rename(next, path);
};
