import { DEFAULT_PORTS } from '../shared/process/default-ports.ts';

interface HealthPage {
  /** On loopback. */
  readonly port: number;
  /** The setting that moves it. */
  readonly setting: string;
}

/** Where each service says whether it is ready, by its name in `programs.ts`. */
export const HEALTH_PAGES: Readonly<Record<string, HealthPage>> = {
  aggregator: { port: DEFAULT_PORTS.aggregatorHealth, setting: 'HEALTH_PORT' },
  bridge: { port: DEFAULT_PORTS.bridgeHealth, setting: 'HEALTH_PORT' },
  'usage-api': { port: DEFAULT_PORTS.usageApi, setting: 'USAGE_API_PORT' },
  commerce: { port: DEFAULT_PORTS.commerce, setting: 'COMMERCE_PORT' },
  providers: { port: DEFAULT_PORTS.providers, setting: 'HEALTH_PORT' },
};
