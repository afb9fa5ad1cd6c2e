import { z } from 'zod';
import type { Environment, ServiceUrls } from '../../shared/process/config.ts';

/** The setting with the address of each service's health page. */
const ADDRESSES = {
  aggregator: 'AGGREGATOR_HEALTH_URL',
  bridge: 'BRIDGE_HEALTH_URL',
  'usage-api': 'USAGE_API_URL',
  commerce: 'COMMERCE_URL',
  'emitter-compute': 'EMITTER_HEALTH_URL',
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

const reasonOf = (answer: unknown): string | null => {
  const parsed = answerSchema.safeParse(answer);
  if (!parsed.success) return null;
  const { problems = [], error } = parsed.data;
  const reasons = [...problems, ...(error ? [error.message] : [])];
  return reasons.length > 0 ? reasons.join('; ') : null;
};

/** Whether an error, or one of its causes, has this code. */
const hasCode = (error: unknown, code: string): boolean => {
  if (typeof error !== 'object' || error === null) return false;
  if ('code' in error && error.code === code) return true;
  if ('errors' in error && Array.isArray(error.errors)) {
    return error.errors.some((each) => hasCode(each, code));
  }
  return 'cause' in error && hasCode(error.cause, code);
};

/** Whether the setting was given. Then the service is meant to run there. */
const ask = async (name: ServiceName, url: string, isMeant: boolean): Promise<ServiceStatus> => {
  const is = (
    state: ServiceStatus['state'],
    isWrong: boolean,
    reason: string | null = null,
  ): ServiceStatus => ({ name, state, reason, isWrong });
  try {
    const answer = await fetch(`${url}/health/ready`, {
      signal: AbortSignal.timeout(PATIENCE_MILLIS),
    });
    if (answer.ok) return is('ready', false);
    const body: unknown = await answer.json().catch(() => null);
    if (name === 'commerce' && answer.status < 500) return is('no health page', false);
    return is('not ready', true, reasonOf(body));
  } catch (error) {
    if (!hasCode(error, 'ECONNREFUSED')) {
      return is(
        'no answer',
        true,
        `nothing came from ${url} within ${String(PATIENCE_MILLIS / 1000)} s`,
      );
    }
    // Simulated providers exist only for demonstrations.
    return is(
      'not running here',
      isMeant && name !== 'emitter-compute',
      isMeant ? `${url} refuses` : null,
    );
  }
};

/** Asks each service where the settings say it is. */
export const readServices = (
  urls: ServiceUrls,
  environment: Environment = process.env,
): Promise<readonly ServiceStatus[]> =>
  Promise.all(
    (Object.entries(ADDRESSES) as [ServiceName, keyof ServiceUrls][]).map(([name, setting]) =>
      ask(name, urls[setting], Boolean(environment[setting])),
    ),
  );
