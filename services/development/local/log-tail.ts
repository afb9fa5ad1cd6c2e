import { open } from 'node:fs/promises';

const TAIL_BYTES = 64 * 1024;

/** The last 64 KiB of a file as text; empty if it cannot be read. */
export const readTail = async (path: string): Promise<string> => {
  try {
    const file = await open(path, 'r');
    try {
      const { size } = await file.stat();
      const start = Math.max(0, size - TAIL_BYTES);
      const { buffer, bytesRead } = await file.read(
        Buffer.alloc(size - start),
        0,
        size - start,
        start,
      );
      return buffer.subarray(0, bytesRead).toString('utf8');
    } finally {
      await file.close();
    }
  } catch {
    return '';
  }
};

/** The last lines that say something, for an error message: no stack frames, no blank lines. */
export const lastLines = (text: string, count: number): string =>
  text
    .split('\n')
    .filter((line) => line.trim() !== '' && !/^\s+at |^\s+\.\.\. \d+ more/.test(line))
    .slice(-count)
    .join('\n');
