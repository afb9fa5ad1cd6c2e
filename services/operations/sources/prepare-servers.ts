import { migrate } from '../../shared/clickhouse/migrations.ts';
import type { ClickHouseConfig, KafkaConfig } from '../../shared/process/config.ts';
import type { Keyring } from '../../shared/model/control-record.ts';
import { readProviders } from '../../shared/sources/providers.ts';
import { provision, type Provisioned } from './provision.ts';
import { withSourceTools } from './source-tools.ts';

type Config = KafkaConfig &
  ClickHouseConfig & { readonly USAGE_CONTROL_KEYS: Keyring; readonly USAGE_HOUR_MILLIS: number };

export interface Prepared extends Provisioned {
  /** The migrations that were applied now. */
  readonly applied: readonly string[];
}

/** Brings tables and topics up to date. May be repeated at every start. */
export const prepareServers = async (config: Config): Promise<Prepared> => {
  const { applied } = await migrate(config);
  const provisioned = await withSourceTools(config, (tools) =>
    provision(tools, config, readProviders()),
  );
  return { ...provisioned, applied };
};

/** What was done, in words. */
export const preparedText = ({ applied, opened, sources }: Prepared): string =>
  applied.length + opened.length === 0
    ? `nothing to do, ${String(sources.length)} sources`
    : `${String(applied.length)} migrations, ${String(opened.length)} new live sources`;
