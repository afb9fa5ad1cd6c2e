import type { ClickHouseClientConfigOptions } from '@clickhouse/client';
import type { LocalClickHouse } from '../../services/development/local/clickhouse/start-clickhouse.ts';

type Environment = LocalClickHouse['environment'];

/** The login of a local ClickHouse, as headers of a request. */
export const loginHeaders = (environment: Environment): Record<string, string> => ({
  'X-ClickHouse-User': environment.CLICKHOUSE_USER,
  'X-ClickHouse-Key': environment.CLICKHOUSE_PASSWORD,
});

/** The same for `createClient`. */
export const clientOptions = (
  environment: Environment,
): Pick<ClickHouseClientConfigOptions, 'url' | 'username' | 'password'> => ({
  url: environment.CLICKHOUSE_URL,
  username: environment.CLICKHOUSE_USER,
  password: environment.CLICKHOUSE_PASSWORD,
});
