import type { Environment } from '../shared/process/config.ts';
import { DEFAULT_PORTS } from '../shared/process/default-ports.ts';

interface HealthPage {
  readonly port: number;
  /** The setting that moves it to another port. */
  readonly setting: string;
  /** The setting that says at which address it listens; on loopback without it. */
  readonly host: string;
}

/** Where each service says whether it is ready, by its name in `programs.ts`. */
export const HEALTH_PAGES: Readonly<Record<string, HealthPage>> = {
  aggregator: { port: DEFAULT_PORTS.aggregatorHealth, setting: 'HEALTH_PORT', host: 'HEALTH_HOST' },
  bridge: { port: DEFAULT_PORTS.bridgeHealth, setting: 'HEALTH_PORT', host: 'HEALTH_HOST' },
  'usage-api': { port: DEFAULT_PORTS.usageApi, setting: 'USAGE_API_PORT', host: 'USAGE_API_HOST' },
  commerce: { port: DEFAULT_PORTS.commerce, setting: 'COMMERCE_PORT', host: 'COMMERCE_HOST' },
  providers: { port: DEFAULT_PORTS.providers, setting: 'HEALTH_PORT', host: 'HEALTH_HOST' },
};

/** What listens at every address is asked on loopback. */
const ASKED_AT = new Map([
  ['', '127.0.0.1'],
  ['0.0.0.0', '127.0.0.1'],
  ['::', '::1'],
]);

/**
 * The page that says whether a service of this machine is ready, by the settings of the service.
 * @throws Error where no such service has one
 */
export const healthAddress = (name: string, environment: Environment): URL => {
  const page = Object.hasOwn(HEALTH_PAGES, name) ? HEALTH_PAGES[name] : undefined;
  if (page === undefined) throw new Error(`"${name}" is no service that says whether it is ready`);
  const port = environment[page.setting]?.trim() || String(page.port);
  const host = environment[page.host]?.trim() ?? '';
  const address = ASKED_AT.get(host) ?? host;
  const isSecure = name === 'usage-api' && Boolean(environment['USAGE_API_TLS_CERT']?.trim());
  const authority = address.includes(':') ? `[${address}]` : address;
  return new URL(`${isSecure ? 'https' : 'http'}://${authority}:${port}/health/ready`);
};
