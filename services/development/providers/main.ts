import { addMissingSubscriptions } from '../../operations/subscriptions/change-directory.ts';
import { readSchemaDirectory } from '../../shared/avro/schema-directory.ts';
import { usageEventEncoder } from '../../shared/avro/usage-event-codec.ts';
import { openClickHouse } from '../../shared/clickhouse/client.ts';
import { connectKafka } from '../../shared/kafka/client.ts';
import { runService } from '../../shared/process/lifecycle.ts';
import { openSignIn } from '../../shared/sign-in/sign-in-settings.ts';
import { readSources } from '../../shared/sources/register.ts';
import { simulatedSubscriptions } from '../simulated-cloud/subscriptions.ts';
import { readProvidersConfig } from './config.ts';
import { openDoor } from './door.ts';
import { openPart } from './open-part.ts';
import { SpoiledRecords } from './spoiled-records.ts';

/** The simulated providers: each reports what its resources consume, every few seconds. */
runService('providers', async (logger, environment, crash) => {
  const config = readProvidersConfig(environment);
  const signIn = openSignIn(config);
  const kafka = await connectKafka(config, 'usage-providers', logger);
  const spoiled = new SpoiledRecords(kafka, usageEventEncoder(readSchemaDirectory()));
  const clickHouse = openClickHouse(config);
  const seed = { seed: config.CLOUD_SEED, subscriptions: config.CLOUD_SUBSCRIPTIONS };
  await addMissingSubscriptions(
    clickHouse,
    simulatedSubscriptions(seed, config.PROVIDER_SUBSCRIPTION_ID),
    { origin: 'providers', defaultProvider: config.PROVIDER_SUBSCRIPTION_ID },
  );
  const sources = await readSources(clickHouse);
  const stopped = new AbortController();
  const parts = await Promise.all(
    config.CLOUD_PROVIDERS.map((name) =>
      openPart(name, {
        config,
        sources,
        clickHouse,
        spoiled,
        signal: stopped.signal,
        logger: logger.child({ provider: name }),
      }),
    ),
  );
  const door = await openDoor(config.HEALTH_PORT, {
    parts,
    signIn,
    operator: config.PROVIDER_SUBSCRIPTION_ID,
    allowedHosts: config.HTTP_ALLOWED_HOSTS,
    host: config.HEALTH_HOST,
    onFailure: (error) => logger.error({ err: error }, 'a request failed'),
  });
  const running = parts.map((part) =>
    part.run(stopped.signal).catch((error: unknown) => {
      if (!stopped.signal.aborted) crash(error);
    }),
  );
  logger.info({ providers: config.CLOUD_PROVIDERS, health: door.url }, 'ready');
  return {
    stop: async () => {
      stopped.abort();
      await door.close();
      await Promise.all(running);
      await Promise.all(parts.map((part) => part.close()));
      await spoiled.close();
      await clickHouse.close();
    },
  };
});
