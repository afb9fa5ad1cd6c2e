import { spawn } from 'node:child_process';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import type { ClickHouseClient } from '@clickhouse/client';

import { UserError } from '../shared/errors.ts';
import { firstProcessing, readCoverage } from '../shared/sources/coverage.ts';
import { withClickHouse } from '../shared/sources/source-tools.ts';
import { delay } from './child-process.ts';
import type { Stack } from './open-stack.ts';
import type { Reporter } from './reporter.ts';
import { windowsTable } from './windows-table.ts';

const repository = fileURLToPath(new URL('../../', import.meta.url));

/**
 * The main job of the first run: real recorded usage through Kafka into hourly and daily windows.
 * True where everything adds up.
 */
export const runMainJob = async (
  stack: Stack,
  reporter: Reporter,
  { empty }: { readonly empty: boolean },
): Promise<boolean> => {
  reporter.step('Starting services');
  await stack.startService('aggregator');
  reporter.done([...stack.supervisor.pids.keys()].join(', '));
  if (empty) return true;

  reporter.step('Replaying samples/recorded-usage.json');
  reporter.done((await usagectl(['replay', 'samples/recorded-usage.json'])).trim());
  return withClickHouse(stack.config, async (client) => {
    reporter.step('Waiting until every hour of history is closed');
    await historyComplete(client);
    reporter.done();
    reporter.note(`\n${await windowsTable(client)}\n`);
    return true;
  });
};

const POLL_MILLIS = 100;

/** Resolves when no reported hour before the first live one is still processing. */
const historyComplete = async (client: ClickHouseClient): Promise<void> => {
  for (;;) {
    const coverage = await readCoverage(client);
    const end = coverage.firstLiveHour;
    if (end === null || firstProcessing(coverage, 0 as typeof end, end) === null) return;

    await delay(POLL_MILLIS);
  }
};

/** Runs the command line as a person would; returns what it printed. */
const usagectl = (args: readonly string[]): Promise<string> =>
  new Promise((resolve, reject) => {
    const bin = join(repository, 'services/cli/bin/usagectl.mjs');
    const child = spawn(process.execPath, [bin, ...args], {
      cwd: repository,
      stdio: ['ignore', 'pipe', 'pipe'],
    });
    let printed = '';
    let problem = '';
    child.stdout.on('data', (chunk: Buffer) => {
      printed += chunk.toString('utf8');
    });
    child.stderr.on('data', (chunk: Buffer) => {
      problem += chunk.toString('utf8');
    });
    child.once('error', reject);
    child.once('close', (code) => {
      if (code === 0) resolve(printed);
      else reject(new UserError(problem.trim() || `usagectl ${args.join(' ')} failed`));
    });
  });
