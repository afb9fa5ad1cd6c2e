import { z } from 'zod';

/** Where the services of this machine say how they are, by default. */
const SERVICES = {
  aggregator: 'http://127.0.0.1:9400/health/ready',
  bridge: 'http://127.0.0.1:9401/health/ready',
  'usage-api': 'http://127.0.0.1:8080/health/ready',
  commerce: 'http://127.0.0.1:8081/health/ready',
  'emitter-compute': 'http://127.0.0.1:9410/health/ready',
} as const;

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

/** Asks each service on its usual port. */
export const readServices = (): Promise<readonly ServiceStatus[]> =>
  Promise.all(Object.entries(SERVICES).map(([name, url]) => ask(name, url)));
