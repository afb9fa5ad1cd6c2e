import { mkdir, open, readFile, rename } from 'node:fs/promises';
import { dirname } from 'node:path';

/** How far usage is reported, in periods of one length. */
export interface Progress {
  /** Milliseconds since 1970. */
  readonly through: number;
  readonly periodMillis: number;
}

/** Null at the very first start. */
export const readProgress = async (file: string): Promise<Progress | null> => {
  let text: string;
  try {
    text = await readFile(file, 'utf8');
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return null;
    throw error;
  }
  const [, time = '', seconds = ''] = /^(\S+) every (\d+) s\n$/.exec(text) ?? [];
  const progress = { through: Date.parse(time), periodMillis: Number(seconds) * 1_000 };
  // To go on from anywhere else would leave usage out, or report it in other periods, which counts twice.
  if (Number.isNaN(progress.through) || progress.periodMillis === 0) {
    throw new Error(`${file} does not say how far usage is reported: restore it`);
  }
  return progress;
};

/** It is there completely or not at all, whatever ends this process or this machine. */
export const writeProgress = async (file: string, progress: Progress): Promise<void> => {
  const { through, periodMillis } = progress;
  await mkdir(dirname(file), { recursive: true });
  const draft = `${file}.draft`;
  const written = await open(draft, 'w');
  try {
    const seconds = String(periodMillis / 1_000);
    await written.writeFile(`${new Date(through).toISOString()} every ${seconds} s\n`);
    await written.sync();
  } finally {
    await written.close();
  }
  await rename(draft, file);
  const directory = await open(dirname(file), 'r');
  try {
    await directory.sync();
  } finally {
    await directory.close();
  }
};
