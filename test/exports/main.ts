import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { startClickHouse } from '../../services/development/local/clickhouse/start-clickhouse.ts';
import { openClickHouse, queryRows } from '../../services/shared/clickhouse/client.ts';
import { migrate } from '../../services/shared/clickhouse/migrations.ts';
import { HOUR_MILLIS, isoText, millis } from '../../services/shared/model/time.ts';
import { clickHouseSettings, parseEnvironment } from '../../services/shared/process/config.ts';
import { EXPORTED, storeExportedUsage } from '../support/exported-usage.ts';
import { usagectl } from '../support/service-process.ts';
import {
  PARQUET_READERS,
  readParquetSums,
  validateFocus,
  validatorTools,
  type ParquetReader,
} from './validator.ts';

/**
 * Exports with `usagectl` and has others read the files, whom no one here wrote: the FinOps Foundation's validator reads FOCUS, and Apache
 * Arrow, Polars and DuckDB add up Parquet. Needs Python 3 with `venv`; the packages come from PyPI.
 */
const directory = await mkdtemp(join(tmpdir(), 'usage-exports-'));
const server = await startClickHouse({ dataDir: join(directory, 'clickhouse') });
let failures = 0;

const report = (what: string, problem: string | null): void => {
  console.log(
    `${problem === null ? 'ok' : 'FAILED'}: ${what}${problem === null ? '' : `\n${problem}`}`,
  );
  if (problem !== null) failures += 1;
};

/** The hours before the one that has the largest quantity, which no decimal of 38 digits holds. */
const USUAL = { from: EXPORTED.from, to: millis(EXPORTED.from + 2 * HOUR_MILLIS) };

const exported = async (
  name: string,
  { from, to }: Pick<typeof EXPORTED, 'from' | 'to'> | typeof USUAL,
  ...options: readonly string[]
): Promise<string> => {
  const path = join(directory, name);
  const range = ['--from', isoText(from), '--to', isoText(to)];
  const { code, stderr } = await usagectl(
    ['export', ...range, '--rates', 'samples/rates.json', '--output', path, ...options],
    server.environment,
  );
  if (code !== 0) throw new Error(`usagectl export failed: ${stderr}`);
  return path;
};

try {
  const config = parseEnvironment(clickHouseSettings, server.environment);
  await migrate(config);
  const client = openClickHouse(config);
  await storeExportedUsage(client);
  const sumsIn = async ({ from, to }: typeof USUAL) => {
    const [plain] = await queryRows<{ rows: number; quantity: string }>(
      client,
      `SELECT toUInt32(count()) AS rows, toString(sum(quantity)) AS quantity FROM usage_hourly FINAL
       WHERE reported_hour >= {from:UInt32} AND reported_hour < {to:UInt32}`,
      { from: from / 1000, to: to / 1000 },
    );
    return { rows: plain?.rows ?? -1, quantity: plain?.quantity ?? '' };
  };
  const [all, usual] = [await sumsIn(EXPORTED), await sumsIn(USUAL)];
  await client.close();
  const tools = await validatorTools();
  const focus = await exported('focus.csv', EXPORTED, '--layout', 'focus', '--for', 'machines');
  report('FOCUS 1.2: no MUST is violated', await validateFocus(tools, focus));
  const kinds: readonly (readonly [string, readonly ParquetReader[], typeof USUAL, typeof all])[] =
    [
      ['38', PARQUET_READERS, USUAL, usual],
      ['76', ['arrow'], EXPORTED, all],
      ['text', PARQUET_READERS, EXPORTED, all],
    ];
  for (const [layout, column] of [
    ['usage', 'quantity'],
    ['focus', 'ConsumedQuantity'],
  ] as const) {
    for (const [decimals, readers, range, expected] of kinds) {
      const options = ['--layout', layout, '--format', 'parquet', '--decimals', decimals];
      const path = await exported(`${layout}-${decimals}.parquet`, range, ...options);
      for (const reader of readers) {
        report(
          `Parquet with the layout ${layout} and decimals ${decimals}, read by ${reader}, has the rows and the sum of plain SQL`,
          await readParquetSums(tools, reader, path, column, expected),
        );
      }
    }
  }
} finally {
  await server.stop();
  await rm(directory, { recursive: true, force: true });
}
if (failures > 0) process.exitCode = 1;
