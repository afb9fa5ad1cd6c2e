import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { startClickHouse } from '../../services/development/local/clickhouse/start-clickhouse.ts';
import { openClickHouse, queryRows } from '../../services/shared/clickhouse/client.ts';
import { migrate } from '../../services/shared/clickhouse/migrations.ts';
import { isoText } from '../../services/shared/model/time.ts';
import { clickHouseSettings, parseEnvironment } from '../../services/shared/process/config.ts';
import { EXPORTED, storeExportedUsage } from '../support/exported-usage.ts';
import { usagectl } from '../support/service-process.ts';
import { readParquetSums, validateFocus, validatorTools } from './validator.ts';

/**
 * Exports with `usagectl` and has others read the files, whom no one here wrote: the FinOps Foundation's validator reads FOCUS, and Apache
 * Arrow adds up Parquet. Needs Python 3 with `venv`; the packages come from PyPI.
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

const exported = async (name: string, ...options: readonly string[]): Promise<string> => {
  const path = join(directory, name);
  const range = ['--from', isoText(EXPORTED.from), '--to', isoText(EXPORTED.to)];
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
  const [plain] = await queryRows<{ rows: number; quantity: string }>(
    client,
    'SELECT toUInt32(count()) AS rows, toString(sum(quantity)) AS quantity FROM usage_hourly FINAL',
  );
  await client.close();
  const tools = await validatorTools();
  const focus = await exported('focus.csv', '--layout', 'focus', '--for', 'machines');
  report('FOCUS 1.2: no MUST is violated', await validateFocus(tools, focus));
  const expected = { rows: plain?.rows ?? -1, quantity: plain?.quantity ?? '' };
  for (const [layout, column] of [
    ['usage', 'quantity'],
    ['focus', 'ConsumedQuantity'],
  ] as const) {
    const path = await exported(`${layout}.parquet`, '--layout', layout, '--format', 'parquet');
    report(
      `Parquet with the layout ${layout}, read by Apache Arrow, has the rows and the sum of plain SQL`,
      await readParquetSums(tools, path, column, expected),
    );
  }
} finally {
  await server.stop();
  await rm(directory, { recursive: true, force: true });
}
if (failures > 0) process.exitCode = 1;
