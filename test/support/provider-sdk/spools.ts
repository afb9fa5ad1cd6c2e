import { mkdtemp, readdir, readFile, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { pino } from 'pino';
import {
  openSpool,
  type Spool,
  type SpooledRecord,
} from '../../../services/provider-sdk/spool/spool.ts';

export const temporarySpool = (): Promise<string> => mkdtemp(join(tmpdir(), 'spool-'));

export const MAX_BYTES = 64 * 1024 * 1024;

/** With the messages that it logs from "warn" on, if there is a place for them. */
export const open = (
  directory: string,
  { maxBytes = MAX_BYTES, logged }: { readonly maxBytes?: number; readonly logged?: string[] } = {},
): Promise<Spool> => {
  const level = logged === undefined ? 'silent' : 'warn';
  const logger = pino(
    { level },
    { write: (line: string) => logged?.push((JSON.parse(line) as { msg: string }).msg) },
  );
  return openSpool({ directory, maxBytes, logger });
};

export const record = (n: number, bytes = 20): SpooledRecord => ({
  key: `key-${String(n)}`,
  value: Buffer.alloc(bytes, `value ${String(n)} `),
});

export const records = (from: number, to: number, bytes?: number): SpooledRecord[] =>
  Array.from({ length: to - from }, (_, n) => record(from + n, bytes));

/** For comparisons: a value is a part of a larger buffer. */
export const plain = (given: readonly SpooledRecord[]): string[] =>
  given.map(({ key, value }) => `${key} ${Buffer.from(value).toString('hex')}`);

/** Takes everything that waits, so many bytes at a time. */
export const drain = async (spool: Spool, bytes = 1_000): Promise<string[]> => {
  const taken: string[] = [];
  for (;;) {
    const next = await spool.next(bytes);
    if (next.length === 0) return taken;
    taken.push(...plain(next));
    await spool.done(next.length);
  }
};

/** What a spool holds, and that it can be used afterwards. */
export const drainAll = async (directory: string, logged?: string[]): Promise<string[]> => {
  const spool = await open(directory, logged === undefined ? {} : { logged });
  const taken = await drain(spool);
  await spool.close();
  return taken;
};

/** The files of its segments, oldest first. */
export const segmentFiles = async (directory: string): Promise<string[]> =>
  (await readdir(directory)).filter((name) => /^\d/.test(name)).sort();

/** Changes the bytes of one of its segments. */
export const edit = async (
  directory: string,
  segment: number,
  change: (bytes: Buffer) => Buffer,
): Promise<string> => {
  const name = (await segmentFiles(directory)).at(segment) ?? '';
  const path = join(directory, name);
  await writeFile(path, change(await readFile(path)));
  return name;
};
