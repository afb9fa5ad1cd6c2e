import { open } from 'node:fs/promises';
import type { Readable } from 'node:stream';
import { messageOf, UserError } from '../../shared/process/errors.ts';
import { printable } from '../../shared/terminal/printable.ts';

/** All of a file is checked before anything of it is sent, so it is held in memory. */
const MOST_BYTES = 64 * 1024 * 1024;

const STANDARD_INPUT = '-';

/** For messages. */
export const inputName = (path: string): string =>
  path === STANDARD_INPUT ? 'standard input' : printable(path);

/**
 * Reads a file, or standard input if it is called `-`.
 * @throws UserError if it cannot be read, or is too large
 */
export const readUsageFile = async (path: string): Promise<Buffer> => {
  const name = inputName(path);
  try {
    if (path === STANDARD_INPUT) return await collected(process.stdin, name);
    const file = await open(path);
    try {
      return await collected(file.createReadStream(), name);
    } finally {
      await file.close();
    }
  } catch (cause) {
    if (cause instanceof UserError) throw cause;
    throw new UserError(`${name} cannot be read: ${messageOf(cause)}`, { cause });
  }
};

const collected = async (input: Readable, name: string): Promise<Buffer> => {
  const chunks: Buffer[] = [];
  let bytes = 0;
  for await (const chunk of input as AsyncIterable<Buffer>) {
    bytes += chunk.length;
    if (bytes > MOST_BYTES) {
      throw new UserError(
        `${name} has over ${String(MOST_BYTES / 1024 / 1024)} MiB: split it, or send it with the SDK of services/provider-sdk`,
      );
    }
    chunks.push(chunk);
  }
  return Buffer.concat(chunks);
};
