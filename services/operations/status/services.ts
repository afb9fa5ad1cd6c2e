import { readFile } from 'node:fs/promises';
import { z } from 'zod';
import type { Environment, ServiceUrls } from '../../shared/process/config.ts';
import { messageOf, UserError } from '../../shared/process/errors.ts';
import { HttpGet } from '../../shared/usage-client/http-get.ts';

/** The setting with the address of each service's health page. */
const ADDRESSES = {
  aggregator: 'AGGREGATOR_HEALTH_URL',
  bridge: 'BRIDGE_HEALTH_URL',
  'usage-api': 'USAGE_API_URL',
  commerce: 'COMMERCE_URL',
  'provider-compute': 'COMPUTE_PROVIDER_URL',
  'provider-storage': 'STORAGE_PROVIDER_URL',
  'provider-network': 'NETWORK_PROVIDER_URL',
  'provider-platform': 'PLATFORM_PROVIDER_URL',
} as const satisfies Readonly<Record<string, keyof ServiceUrls>>;

type ServiceName = keyof typeof ADDRESSES;

export interface ServiceStatus {
  readonly name: string;
  /**
   * `no answer`: something listens there but does not answer, like a frozen process. `not running here`:
   * nothing listens. `no health page`: it answers but has no health page, like the real Commerce.
   */
  readonly state: 'ready' | 'not ready' | 'no answer' | 'not running here' | 'no health page';
  /** Why it is not ready, if it says so. */
  readonly reason: string | null;
  /** Whether it needs attention. */
  readonly isWrong: boolean;
}

const PATIENCE_MILLIS = 2_000;

/** What a service's health page says about problems. */
const answerSchema = z.object({
  problems: z.array(z.string()).optional(),
  error: z.object({ message: z.string() }).optional(),
});

const reasonOf = (body: string): string | null => {
  const parsed = answerSchema.safeParse(jsonOf(body));
  if (!parsed.success) return null;
  const { problems = [], error } = parsed.data;
  const reasons = [...problems, ...(error ? [error.message] : [])];
  return reasons.length > 0 ? reasons.join('; ') : null;
};

const jsonOf = (text: string): unknown => {
  try {
    return JSON.parse(text);
  } catch {
    return null; // not a health page of ours: it gives no reason
  }
};

interface Service {
  readonly name: ServiceName;
  readonly url: string;
  /** Whether the setting was given. Then the service is meant to run there. */
  readonly isMeant: boolean;
  /** Certificates that are trusted instead of the system's; null for those of the system. */
  readonly ca: string | null;
}

const ask = async ({ name, url, isMeant, ca }: Service): Promise<ServiceStatus> => {
  const is = (
    state: ServiceStatus['state'],
    isWrong: boolean,
    reason: string | null = null,
  ): ServiceStatus => ({ name, state, reason, isWrong });
  const isProvider = name.startsWith('provider-');
  const at = new URL(`${url}/health/ready`);
  const client = new HttpGet(at, ca);
  const limits = { timeoutMillis: PATIENCE_MILLIS, signal: new AbortController().signal };
  const asked = await client.get(at.pathname, {}, limits);
  client.close();
  if (asked.ok) {
    const { status, body } = asked.value;
    if (status >= 200 && status < 300) return is('ready', false);
    // A process runs the simulated providers that it was told to run.
    if (isProvider && status === 404) return is('not running here', false);
    if (name === 'commerce' && status < 500) return is('no health page', false);
    return is('not ready', true, reasonOf(body));
  }
  const { code, message } = asked.error;
  if (code !== 'ECONNREFUSED') return is('no answer', true, `nothing came from ${url}: ${message}`);
  // Simulated providers exist only for demonstrations.
  return is('not running here', isMeant && !isProvider, isMeant ? `${url} refuses` : null);
};

/** Asks each service where the settings say it is. */
export const readServices = async (
  urls: ServiceUrls,
  environment: Environment = process.env,
): Promise<readonly ServiceStatus[]> => {
  const ca = await readCa(environment['USAGE_API_CA_FILE']);
  return Promise.all(
    (Object.entries(ADDRESSES) as [ServiceName, keyof ServiceUrls][]).map(([name, setting]) =>
      ask({
        name,
        url: urls[setting],
        isMeant: Boolean(environment[setting]),
        ca: name === 'usage-api' ? ca : null,
      }),
    ),
  );
};

const readCa = async (path: string | undefined): Promise<string | null> => {
  if (!path) return null;
  try {
    return await readFile(path, 'utf8');
  } catch (cause) {
    throw new UserError(`USAGE_API_CA_FILE cannot be read: ${messageOf(cause)}`, { cause });
  }
};
