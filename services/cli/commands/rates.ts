import type { Command } from 'commander';
import { basename } from 'node:path';
import { loadRates } from '../../operations/rates/load-rates.ts';
import { readRates } from '../../operations/rates/rate-file.ts';
import { withClickHouse } from '../../operations/sources/source-tools.ts';
import { printable } from '../../shared/terminal/printable.ts';
import { print } from '../print.ts';
import { readDirectoryConfig } from '../settings.ts';

export const ratesCommand = (command: Command): Command => {
  command
    .command('load')
    .description('load a price list for the view usage_costs; it replaces the one before')
    .argument('<file>', 'rate file, such as samples/rates.json')
    .action(async (path: string) => {
      const book = await readRates(path);
      await withClickHouse(readDirectoryConfig(), (client) =>
        loadRates(client, book, basename(path), Date.now()),
      );
      print(
        `Loaded ${String(book.rates.length)} rates in ${book.currency} from ${printable(path)}. The view usage_costs uses them now.`,
      );
    });
  return command;
};
