import { open, type FileHandle } from 'node:fs/promises';

type Read = Pick<FileHandle, 'read'>;

const BLOCK_BYTES = 4096;
/** Stands where the disk gives nothing. It is in no frame's header, and not zero, which would look like the end. */
const LOST_BYTE = 0xff;

const codeOf = (error: unknown): string | undefined => (error as NodeJS.ErrnoException).code;

/** A part of a file; shorter if the file is, empty if there is no file. */
export const readRange = async (path: string, from: number, to: number): Promise<Buffer> => {
  try {
    const handle = await open(path, 'r');
    try {
      return await readFrom(handle, from, to);
    } finally {
      await handle.close();
    }
  } catch (error) {
    if (codeOf(error) === 'ENOENT') return Buffer.alloc(0);
    throw error;
  }
};

/**
 * The same of an open file. Where the disk reports an error, the blocks that it can read are read one by one: one bad
 * sector costs the records in it, not the segment.
 */
export const readFrom = async (handle: Read, from: number, to: number): Promise<Buffer> => {
  const bytes = Buffer.alloc(to - from);
  let done = 0;
  while (done < bytes.length) {
    const rest = bytes.length - done;
    const read = await readOrNull(handle, bytes, done, rest, from);
    if (read !== null) {
      if (read === 0) break;
      done += read;
      continue;
    }
    const length = Math.min(rest, BLOCK_BYTES - ((from + done) % BLOCK_BYTES));
    const block = await readOrNull(handle, bytes, done, length, from);
    if (block === 0) break;
    if (block === null) bytes.fill(LOST_BYTE, done, done + length);
    done += block ?? length;
  }
  return bytes.subarray(0, done);
};

/** Null where the disk reports an error. */
const readOrNull = async (
  handle: Read,
  bytes: Buffer,
  at: number,
  length: number,
  from: number,
): Promise<number | null> => {
  try {
    const { bytesRead } = await handle.read(bytes, at, length, from + at);
    return bytesRead;
  } catch (error) {
    if (codeOf(error) === 'EIO') return null;
    throw error;
  }
};
