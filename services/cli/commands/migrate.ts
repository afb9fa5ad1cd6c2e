import type { Command } from 'commander';
import { migrate } from '../../shared/clickhouse/migrations.ts';
import { clickHouseSettings, parseEnvironment } from '../../shared/process/config.ts';
import { print } from '../print.ts';

export const migrateCommand = (command: Command): Command =>
  command.action(async () => {
    const config = parseEnvironment(clickHouseSettings);
    const { applied, metersLoaded } = await migrate(config);
    const database = `Database "${config.CLICKHOUSE_DATABASE}"`;
    if (applied.length === 0 && metersLoaded === 0) print(`${database} is up to date.`);
    if (applied.length > 0) print(`${database}: applied ${applied.join(', ')}.`);
    if (metersLoaded > 0) print(`${database}: loaded ${String(metersLoaded)} meters.`);
  });
