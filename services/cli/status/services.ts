import { z } from 'zod';
import type { ServiceUrls } from '../../shared/config.ts';

/** Where each service says how it is. */
const addresses = (urls: ServiceUrls) => ({
  aggregator: urls.AGGREGATOR_HEALTH_URL,
  bridge: urls.BRIDGE_HEALTH_URL,
  'usage-api': urls.USAGE_API_URL,
  commerce: urls.COMMERCE_URL,
  'emitter-compute': urls.EMITTER_HEALTH_URL,
});

export interface ServiceStatus {
  readonly name: string;
  readonly state: 'ready' | 'not ready' | 'not running here';
  /** Why it is not ready, where it says so. */
  readonly reason: string | null;
}

const PATIENCE_MILLIS = 2_000;

/** What halted partitions say of themselves, in the aggregator's answer. */
const halted = z.object({
  partitions: z.array(
    z.object({
      partition: z.string(),
      halt: z.object({ code: z.string(), message: z.string() }).nullable(),
    }),
  ),
});

const reasonOf = (answer: unknown): string | null => {
  const parsed = halted.safeParse(answer);
  const halts = parsed.success
    ? parsed.data.partitions.flatMap(({ partition, halt }) =>
        halt ? [`${partition} has halted, ${halt.code}: ${halt.message}`] : [],
      )
    : [];
  return halts.length > 0 ? halts.join('; ') : null;
};

const ask = async (name: string, url: string): Promise<ServiceStatus> => {
  try {
    const answer = await fetch(url, { signal: AbortSignal.timeout(PATIENCE_MILLIS) });
    if (answer.ok) return { name, state: 'ready', reason: null };
    const body: unknown = await answer.json().catch(() => null);
    return { name, state: 'not ready', reason: reasonOf(body) };
  } catch {
    return { name, state: 'not running here', reason: null }; // or on other ports, or elsewhere
  }
};

/** Asks each service where the settings say it is. */
export const readServices = (urls: ServiceUrls): Promise<readonly ServiceStatus[]> =>
  Promise.all(
    Object.entries(addresses(urls)).map(([name, url]) => ask(name, `${url}/health/ready`)),
  );
