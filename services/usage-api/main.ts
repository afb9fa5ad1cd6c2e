import { randomBytes } from 'node:crypto';
import { checkClickHouse, openClickHouse } from '../shared/clickhouse/client.ts';
import { listen } from '../shared/http/listen.ts';
import { collectSeldom } from '../shared/process/collect-seldom.ts';
import { runService } from '../shared/process/lifecycle.ts';
import { DirectoryView } from '../shared/directory/directory-view.ts';
import { callerBy } from './caller.ts';
import { readUsageApiConfig } from './config.ts';
import { readTlsOf } from './listen-config.ts';
import { ReadLimit } from './read-limit.ts';
import { usageApiServer } from './server.ts';
import { openSignIn } from '../shared/sign-in/sign-in-settings.ts';
import { UsageStore } from './usage-store.ts';

/** The longest time that a call may take. ARM's gateway waits 60 seconds. */
const TIME_LIMIT_SECONDS = 30;

/** Room for several callers that have as many calls at work as one may have, each with up to two statements. */
const CONNECTIONS = 64;

/** What was read this long ago will do for the next page of an answer. */
const RECENT_MILLIS = 1_000;

collectSeldom();

runService('usage-api', async (logger, environment) => {
  const config = readUsageApiConfig(environment);
  const signIn = openSignIn(config);
  if (signIn === null) logger.warn('sign-in is off: whoever reaches this port reads all usage');
  const tls = readTlsOf(config);
  const clickHouse = openClickHouse(config, config.CLICKHOUSE_DATABASE, {
    connections: CONNECTIONS,
  });
  await checkClickHouse(clickHouse, config);
  const directory = new DirectoryView(clickHouse, RECENT_MILLIS);
  const server = usageApiServer({
    store: new UsageStore(clickHouse, TIME_LIMIT_SECONDS, {
      hourMillis: config.USAGE_HOUR_MILLIS,
      recentMillis: RECENT_MILLIS,
    }),
    providerSubscription: config.PROVIDER_SUBSCRIPTION_ID,
    callerOf: callerBy({ signIn, directory, provider: config.PROVIDER_SUBSCRIPTION_ID }),
    directory,
    now: Date.now,
    hourMillis: config.USAGE_HOUR_MILLIS,
    tokenKeys: config.USAGE_API_TOKEN_KEYS ?? [{ id: 'process', secret: randomBytes(32) }],
    readLimit: new ReadLimit(config.USAGE_API_READS_PER_HOUR),
    timeLimitMillis: TIME_LIMIT_SECONDS * 1000,
    logger,
    listener: {
      listenHost: config.USAGE_API_HOST,
      allowedHosts: config.HTTP_ALLOWED_HOSTS,
      linksFromElsewhere: true,
    },
    publicUrl: config.USAGE_API_PUBLIC_URL,
    tls,
  });
  const { url, close } = await listen(server, {
    host: config.USAGE_API_HOST,
    port: config.USAGE_API_PORT,
    setting: 'USAGE_API_PORT',
  });
  logger.info({ url }, 'ready');
  return {
    stop: async () => {
      await close();
      await clickHouse.close();
    },
  };
});
