import { mkdir, readFile, writeFile } from 'node:fs/promises';
import { isoText, millis } from '../../services/shared/model/time.ts';
import { messageOf, UserError } from '../../services/shared/process/errors.ts';
import { localPath } from '../../services/shared/process/local-directory.ts';
import type { Figure } from './figure.ts';
import type { Machine } from './machine.ts';
import type { BenchOptions } from './options.ts';

/** All of one run of the benchmark. */
export interface Results {
  readonly at: string;
  readonly machine: Machine;
  readonly options: BenchOptions;
  readonly figures: readonly Figure[];
}

/** Where the newest run stands; each one is kept beside it under the time of its end. */
export const NEWEST = localPath('bench/results.json');

export const keepResults = async (results: Omit<Results, 'at'>): Promise<void> => {
  await mkdir(localPath('bench'), { recursive: true });
  const at = isoText(millis(Date.now()));
  const text = `${JSON.stringify({ at, ...results }, null, 2)}\n`;
  await writeFile(NEWEST, text);
  await writeFile(localPath(`bench/results-${at.replaceAll(':', '')}.json`), text);
};

export const readResults = async (path: string): Promise<Results> => {
  try {
    return JSON.parse(await readFile(path, 'utf8')) as Results;
  } catch (error) {
    throw new UserError(
      `There are no results to report in ${path}: run "npm run bench" first (${messageOf(error)})`,
    );
  }
};
