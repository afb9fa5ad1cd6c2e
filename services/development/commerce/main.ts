import { randomUUID } from 'node:crypto';
import { resolve } from 'node:path';
import { readRates } from '../../operations/rates/rate-file.ts';
import { listen } from '../../shared/http/listen.ts';
import { readMeterCatalog } from '../../shared/meters/meter-catalog.ts';
import { millis } from '../../shared/model/time.ts';
import { runService } from '../../shared/process/lifecycle.ts';
import { AcceptedEvents } from './accepted-events.ts';
import { Authorization } from './authorization.ts';
import { Clock } from './clock.ts';
import { commerceMeters, type CommerceMeters } from './commerce-meters.ts';
import { readCommerceConfig, type CommerceConfig } from './config.ts';
import { Credits } from './credits.ts';
import { MIX_SKEW_MILLIS, MIXED_KINDS } from './faults/fault.ts';
import { FaultQueue } from './faults/fault-queue.ts';
import { MonthBills } from './portal/month-bills.ts';
import { Names } from './portal/names.ts';
import { Pricing } from './portal/pricing.ts';
import { CustomerMap } from './registrations/customer-map.ts';
import { readAzureDirectory } from './registrations/registrations-file.ts';
import { whoPays } from './registrations/who-pays.ts';
import { buildServer } from './server.ts';
import { AccessTokens } from './sign-in/access-tokens.ts';
import { Store } from './store.ts';

const faultQueueOf = ({ faults, faultSeed }: CommerceConfig): FaultQueue | null => {
  if (!faults) return null;
  const queue = new FaultQueue();
  if (faultSeed !== null) {
    queue.add({
      kind: 'mix',
      seed: faultSeed,
      share: 0.3,
      kinds: [...MIXED_KINDS],
      maxSkewMillis: MIX_SKEW_MILLIS,
    });
  }
  return queue;
};

/** What is kept on disk. */
const openStore = async ({ dataDirectory, tokenSeconds }: CommerceConfig) => {
  const store = await Store.open(resolve(dataDirectory));
  return {
    store,
    events: await AcceptedEvents.load(store),
    customers: await CustomerMap.load(store),
    credits: await Credits.load(store),
    clock: await Clock.load(store, () => millis(Date.now())),
    tokens: await AccessTokens.load(store, tokenSeconds),
  };
};

/** The dimensions that exist; null for all. */
const knownDimensions = (
  { knownDimensionsOnly }: CommerceConfig,
  meters: CommerceMeters,
): ReadonlySet<string> | null => (knownDimensionsOnly ? new Set(meters.keys()) : null);

runService('commerce', async (logger, environment, crash) => {
  const config = readCommerceConfig(environment);
  const directory = readAzureDirectory(config.registrationsFile);
  const meters = commerceMeters(readMeterCatalog());
  const book = await readRates(config.ratesFile);
  const { store, tokens, ...kept } = await openStore(config);
  const { events, customers, credits, clock } = kept;
  const client = config.client && { secret: config.client.secret, tokens };
  const app = await buildServer({
    ...kept,
    directory,
    bills: new MonthBills(events, credits, new Pricing(book, meters, directory)),
    names: new Names(meters, directory),
    meters,
    price: book,
    submission: {
      // It is unknown whether a failed write is on disk: only a fresh start can tell.
      accept: (candidates) =>
        events.accept(candidates).catch((error: unknown) => {
          crash(error);
          throw error;
        }),
      rules: {
        maxAgeMillis: config.maxAgeMillis,
        hourMillis: config.hourMillis,
        dimensions: knownDimensions(config, meters),
      },
      newId: randomUUID,
      whoPays: (event, { clientId }) => whoPays(directory, customers, event, clientId),
    },
    authorization: new Authorization({ token: config.token, client, now: () => clock.now() }),
    signIn: config.client && { client: config.client, tokens },
    newId: randomUUID,
    faultQueue: faultQueueOf(config),
    logger,
    listener: {
      listenHost: config.host,
      allowedHosts: config.allowedHosts,
      linksFromElsewhere: true,
    },
  });
  const { url, close } = await listen(app, {
    host: config.host,
    port: config.port,
    setting: 'COMMERCE_PORT',
  });
  if (config.maxAgeMillis === null) {
    logger.warn('usage of any age is accepted: COMMERCE_MAX_AGE_HOURS is 0');
  }
  if (config.faults) logger.warn('tests may make this service misbehave: COMMERCE_FAULTS is on');
  const { now, offsetMillis } = clock.shown();
  if (offsetMillis !== 0) logger.warn({ now, offsetMillis }, 'the clock was set by a test');
  logger.info({ url, dataDirectory: config.dataDirectory, accepted: events.count() }, 'ready');
  return {
    stop: async () => {
      await close();
      await store.close();
    },
  };
});
