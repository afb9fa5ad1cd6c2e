import type { Command } from 'commander';
import { coveredHours } from '../../shared/model/source.ts';
import { provision } from '../../operations/sources/provision.ts';
import { readProviders } from '../../shared/sources/providers.ts';
import { withSourceTools } from '../../operations/sources/source-tools.ts';
import { print } from '../print.ts';
import { readChangeConfig } from '../settings.ts';

export const provisionCommand = (command: Command): Command =>
  command
    .option('--providers <file>', 'the file of providers (deploy/kafka/providers.json)')
    .action(async ({ providers }: { providers?: string }) => {
      const config = readChangeConfig();
      const { opened, sources } = await withSourceTools(config, (tools) =>
        provision(tools, config, readProviders(providers)),
      );
      for (const source of opened) {
        print(`Opened ${source.topic}: reported hours ${coveredHours(source)}.`);
      }
      print(`All topics are as they must be (${String(sources.length)} sources).`);
    });
