import type { ClickHouseClient } from '@clickhouse/client';
import { Option } from 'commander';
import { readDirectory } from '../shared/directory/directory-table.ts';
import { readMeterCatalog } from '../shared/meters/meter-catalog.ts';
import { exportContext, type ExportContext } from '../operations/exports/layouts/export-context.ts';
import type { RateBook } from '../operations/rates/rate-book.ts';

export const ratesOption = (): Option =>
  new Option('--rates <file>', 'price list: a rate file, such as samples/rates.json');

export const readContext = async (
  client: ClickHouseClient,
  book: RateBook | null,
): Promise<ExportContext> => exportContext(readMeterCatalog(), await readDirectory(client), book);
