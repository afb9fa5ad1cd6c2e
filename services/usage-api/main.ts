import type { FastifyInstance } from 'fastify';
import { checkClickHouse, openClickHouse } from '../shared/clickhouse/client.ts';
import { UserError } from '../shared/errors.ts';
import { runService } from '../shared/lifecycle.ts';
import { readConfig, type UsageApiConfig } from './config.ts';
import { usageApiServer } from './server.ts';
import { UsageStore } from './usage-store.ts';

/** The longest that a call may take; ARM's gateway waits 60 seconds. */
const TIME_LIMIT_SECONDS = 30;

/** Returns the URL at which it listens. */
const listen = async (
  server: FastifyInstance,
  { USAGE_API_HOST: host, USAGE_API_PORT: port }: UsageApiConfig,
): Promise<string> => {
  try {
    return await server.listen({ host, port });
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'EADDRINUSE') throw error;
    throw new UserError(
      `Port ${String(port)} is in use: stop what listens there, or set USAGE_API_PORT`,
      { cause: error },
    );
  }
};

runService('usage-api', async (logger, environment) => {
  const config = readConfig(environment);
  const clickHouse = openClickHouse(config);
  await checkClickHouse(clickHouse, config);
  const server = usageApiServer({
    store: new UsageStore(clickHouse, TIME_LIMIT_SECONDS),
    providerSubscription: config.PROVIDER_SUBSCRIPTION_ID,
    now: Date.now,
    hourMillis: config.USAGE_HOUR_MILLIS,
    timeLimitMillis: TIME_LIMIT_SECONDS * 1000,
    logger,
  });
  const url = await listen(server, config);
  logger.info({ url }, 'ready');
  return {
    stop: async () => {
      await server.close();
      await clickHouse.close();
    },
  };
});
