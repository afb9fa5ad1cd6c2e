import { randomUUID } from 'node:crypto';
import { resolve } from 'node:path';
import { listen } from '../../shared/http/listen.ts';
import { runService } from '../../shared/process/lifecycle.ts';
import { readMeterCatalog } from '../../shared/meters/meter-catalog.ts';
import { asciiLower } from '../../shared/model/placement.ts';
import { millis } from '../../shared/model/time.ts';
import { AcceptedEvents } from './accepted-events.ts';
import { readCommerceConfig } from './config.ts';
import { FaultyConnections } from './fault-routes.ts';
import { FaultQueue } from './faults.ts';

import { buildServer } from './server.ts';

runService('commerce', async (logger, environment, crash) => {
  const config = readCommerceConfig(environment);
  const meters = readMeterCatalog();
  const events = await AcceptedEvents.open(resolve(config.dataDirectory));
  const billable = meters.filter((meter) => meter.billable);
  const app = await buildServer({
    events,
    meters,
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
        dimensions: config.knownDimensionsOnly
          ? new Set(billable.map(({ dimension }) => asciiLower(dimension)))
          : null,
      },
      newId: randomUUID,
    },
    token: config.token,
    now: () => millis(Date.now()),
    newId: randomUUID,
    faults: config.faults
      ? { queue: new FaultQueue(), connections: new FaultyConnections() }
      : null,
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
  const { count } = await events.totals();
  logger.info({ url, dataDirectory: config.dataDirectory, accepted: count }, 'ready');
  return {
    stop: async () => {
      await close();
      await events.close();
    },
  };
});
