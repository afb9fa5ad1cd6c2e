import { mkdir } from 'node:fs/promises';
import { dirname } from 'node:path';
import { ANYBODY_READS, replaceFile } from '../../services/shared/process/replace-file.ts';
import { Serial } from '../../services/shared/process/serial.ts';

const writing = new Serial();

/** Keeps results in a file. Several lanes may want that at once: it is done for one after another. */
export const keepResults = (path: string, kept: object): Promise<void> =>
  writing.run(async () => {
    await mkdir(dirname(path), { recursive: true });
    await replaceFile(path, JSON.stringify(kept, null, 1), ANYBODY_READS);
  });
